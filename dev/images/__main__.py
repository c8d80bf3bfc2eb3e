"""``python -m dev.images``: build and load the project's images."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from dev.cluster.errors import ClusterError
from dev.cluster.machine.progress import Progress
from dev.images import specs
from dev.images.builders import Made
from dev.images.loading import alone, build, choose_builder, ensure, save, snapshot

Names = Annotated[list[str] | None, typer.Argument(help="see dev.images; all of the demo's")]
DEFAULT = ["operator", "app:1.0.0", "app:2.0.0", "app:3.0.0-errors", "dev"]
app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)


@app.command("build")
def build_command(names: Names = None) -> None:
    """Build images and keep them; no cluster is needed."""
    images = [specs.parse(name) for name in names or DEFAULT]
    progress, builder = Progress(), choose_builder()
    with alone(progress), tempfile.TemporaryDirectory() as name:
        context = snapshot(images, Path(name))
        build([Made.of(each, builder.base, context) for each in images], context, builder, progress)


@app.command("save")
def save_command(archive: Path, names: Names = None) -> None:
    """Write images into an OCI archive, to be imported into a cluster of your own."""
    save(names or DEFAULT, archive, Progress())


@app.command()
def load(names: Names = None) -> None:
    """Build what is missing and put it into the cluster."""
    for name, reference in ensure(names or DEFAULT).items():
        print(f"{name:<20} {reference}")


def main() -> int:
    """Run the command line; a failure is its one sentence and exit status 1."""
    try:
        app()
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
