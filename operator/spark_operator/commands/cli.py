"""The operator's command line."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import Annotated, Final

import typer

from spark_operator.adapters.kubernetes.lease import LeadershipLostError
from spark_operator.commands.replay import record_command, replay_command
from spark_operator.concurrency.ending import end_within
from spark_operator.ports.cluster import ClusterError
from spark_operator.runtime.errors import MissingResourceDefinitionError, SettingsError
from spark_operator.runtime.settings import load

STOP_SECONDS: Final = 15.0
"""How long a stop may take; a pod is killed after its grace period of 20 s."""

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False
)


app.command("replay")(replay_command)
app.command("record")(record_command)


@app.callback()
def main() -> None:
    """Watch SparkDeployments, run their releases, judge them, and roll bad ones back."""


@app.command()
def run() -> None:
    """Run the operator until it is told to stop."""
    try:
        settings = load(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    configure_logging(settings.log_level)
    try:
        asyncio.run(_until_signalled())
    except (
        SettingsError,
        MissingResourceDefinitionError,
        LeadershipLostError,
        OSError,
    ) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error


def configure_logging(level: str) -> None:
    """Log to standard error; what libraries say is kept down, at any level.

    httpx names whole addresses at INFO, and an address may be a credential.
    """
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("kopf", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


@app.command()
def notify_test(
    name: Annotated[str, typer.Argument(help="Name of the SparkDeployment.")] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Its namespace.")] = "default",
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read it from a YAML file instead.")
    ] = None,
    channel: Annotated[str, typer.Option(help="One channel alone, as KIND/NAME.")] = "",
) -> None:
    """Send a test message on each notification channel of a SparkDeployment."""
    # Late, so that --help does not load the API client.
    from spark_operator.commands.check_channels import NotifyTestError  # noqa: PLC0415
    from spark_operator.commands.check_channels import notify_test as test  # noqa: PLC0415

    configure_logging("WARNING")
    try:
        outcomes = asyncio.run(test(load(os.environ), namespace, name, file, channel))
    except (NotifyTestError, SettingsError, ClusterError, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    for outcome in outcomes:
        print(f"{outcome.channel:<27}{outcome.problem or 'delivered'}")
    if any(outcome.problem for outcome in outcomes):
        raise typer.Exit(1)


async def _until_signalled() -> None:
    # Late, so that --help does not load kopf and the API client.
    from spark_operator.runtime.watch import run as run_operator  # noqa: PLC0415

    stop = asyncio.Event()

    def end() -> None:
        stop.set()
        end_within(STOP_SECONDS)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    await run_operator(load(os.environ), stop)
