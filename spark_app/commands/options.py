"""What the command `spark-app` can be asked for; every number has bounds."""

from __future__ import annotations

import argparse
import math
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["parser"]


def parser() -> argparse.ArgumentParser:
    """The parser; without a command, `command` is None."""
    made = argparse.ArgumentParser(
        prog="spark-app", description="SPARK, the service, and what is done before and after."
    )
    commands = made.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve until a signal ends it (the default)")
    before = commands.add_parser("preflight", help="check keys and dependencies, buying nothing")
    before.add_argument(
        "--stable-head",
        metavar="VERSION",
        default=os.environ.get("SPARK_STABLE_HEAD") or None,
        help="schema version of the release that serves now ($SPARK_STABLE_HEAD)",
    )
    _migrate(commands.add_parser("migrate", help="the schema of DATABASE_URL"))
    verify = commands.add_parser("verify", help="check a running service through its own API")
    _verify(verify)
    traffic = commands.add_parser("traffic", help="ask a running service for scripts")
    _traffic(traffic)
    for one in (before, verify, traffic):
        one.add_argument("--json", action="store_true", help="one JSON object a line")
    return made


def _migrate(made: argparse.ArgumentParser) -> None:
    actions = made.add_subparsers(dest="action", required=True)
    for name, text in (
        ("up", "apply what is pending"),
        ("rollback", "undo the last version, or back to --to"),
        ("status", "show where the schema is"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("--json", action="store_true", help="machine-readable output")
        if name == "rollback":
            action.add_argument("--to", metavar="VERSION", help="the version to go back to")


def _verify(made: argparse.ArgumentParser) -> None:
    _url(made)
    for name, default, most, text in (
        ("--health-ms", 100.0, 60_000.0, "milliseconds of a health check, median of five"),
        ("--generate-seconds", 15.0, 600.0, "seconds of a generation"),
        ("--export-seconds", 2.0, 600.0, "seconds of an export"),
    ):
        made.add_argument(name, type=_number(0.001, most), default=default, help=text)


def _traffic(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--url",
        dest="urls",
        type=_address,
        action="append",
        required=True,
        help="http://HOST:PORT; may be repeated, each gets its requests at the same time",
    )
    made.add_argument("--requests", type=_whole(10_000), default=20, help="how many, at most")
    made.add_argument("--rate", type=_number(0.01, 100.0), default=2.0, help="how many a second")
    made.add_argument(
        "--seconds", type=_number(1.0, 10_800.0), default=10_800.0, help="none is begun later"
    )


def _url(made: argparse.ArgumentParser) -> None:
    made.add_argument("--url", type=_address, required=True, help="http://HOST:PORT")


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = parts.path in {"", "/"} and not parts.query and parts.username is None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain or port == 0:
        raise argparse.ArgumentTypeError(f"write it like http://HOST:PORT, not {text[:100]!r}")
    return text


def _number(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not math.isfinite(value) or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"it must be between {least:g} and {most:g}")
        return value

    read.__name__ = "number"
    return read


def _whole(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"it must be between 1 and {most}")
        return value

    read.__name__ = "whole number"
    return read
