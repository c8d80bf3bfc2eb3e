"""``python -m dev.cluster``: build, up, down, status, kubeconfig, exec."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from dev.cluster.artifacts import binaries
from dev.cluster.choices import local, target
from dev.cluster.config import CLONE, Layout
from dev.cluster.errors import ClusterError, NoClusterError
from dev.cluster.machine.progress import Progress

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
Named = Annotated[
    Path | None, typer.Option("--kubeconfig", help="a cluster of your own, used as it is")
]


@app.command()
def build() -> None:
    """Build the cluster's binaries, or find them in the cache; starts nothing, needs no root."""
    progress = Progress()
    progress.say(f"the binaries are in {binaries.ensure(Layout.of().cache, progress).node.parent}")


@app.command()
def up(kubeconfig: Named = None) -> None:
    """Bring the cluster up, or say that it is."""
    target.resolve(named=kubeconfig).up(Progress())


@app.command()
def down(
    kubeconfig: Named = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="remove its images from the cache")
    ] = False,
    orphans: Annotated[bool, typer.Option("--orphans", help="clones' that are gone")] = False,
) -> None:
    """Take the cluster away with everything it started."""
    if orphans:
        for layout in local.orphans():
            local.Local(layout).down(Progress(), purge=True)
        return
    target.resolve(named=kubeconfig).down(Progress(), purge=purge)


@app.command()
def status(kubeconfig: Named = None) -> None:
    """Tell what runs; the exit status is 0 when the cluster is usable."""
    usable, lines = target.resolve(named=kubeconfig).status()
    print("\n".join(lines))
    raise typer.Exit(0 if usable else 1)


@app.command("kubeconfig")
def kubeconfig_path(kubeconfig: Named = None) -> None:
    """Print where the kubeconfig is."""
    print(_existing(target.resolve(named=kubeconfig)))


@app.command("exec", context_settings={"ignore_unknown_options": True})
def execute(command: list[str], kubeconfig: Named = None) -> None:
    """Run a command with KUBECONFIG set, and with a kubectl of the cluster's version on PATH."""
    found = target.resolve(named=kubeconfig)
    tools = Layout.of(CLONE).kubeconfig.parent / "bin"
    path = f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"KUBECONFIG": str(_existing(found)), "PATH": path}
    os.execvpe(command[0], command, environment)  # noqa: S606


def _existing(found: target.Target) -> Path:
    if not found.kubeconfig.is_file():
        raise NoClusterError("There is no cluster: run make cluster-up.")
    return found.kubeconfig


def main() -> int:
    """Run the command line; a failure is its one sentence and exit status 1."""
    try:
        app()
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
