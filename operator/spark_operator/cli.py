"""The operator's command line."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

import typer

from spark_operator.adapters.lease import LeadershipLostError
from spark_operator.errors import MissingResourceDefinitionError, SettingsError
from spark_operator.settings import load

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False
)


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
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(_until_signalled())
    except (MissingResourceDefinitionError, LeadershipLostError, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error


async def _until_signalled() -> None:
    # Late, so that --help does not load kopf and the API client.
    from spark_operator.handlers import run as run_operator  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_operator(load(os.environ), stop)
