"""The command `spark-app`: `serve` (the default), `preflight`, `migrate`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from spark_app.report import Check, write_report
from spark_app.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_app.storage.migrate import Status

__all__ = ["main"]

OK, FAILED, WRONG_SETTINGS, UNREACHABLE = 0, 1, 2, 3
STOPPED = 128 + signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 done, 1 refused or failed, 2 wrong settings, 3 the database can't be reached,
        143 ended by SIGTERM.
    """
    options = _parser().parse_args(arguments)
    if options.command in {None, "serve"}:
        return _serve()
    # As a container's first process Python would not be ended by SIGTERM at all.
    signal.signal(signal.SIGTERM, lambda *_: _stop(options.command))
    if options.command == "migrate":
        return _migrate(options)
    return _preflight(options)


def _stop(check: str) -> NoReturn:
    text = "ended by SIGTERM before it was done: somebody stopped it, or its time was over"
    sys.exit(_refuse(check, text, STOPPED))


def _preflight(options: argparse.Namespace) -> int:
    from spark_app.preflight import preflight  # noqa: PLC0415 - the server needs none

    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"spark-app: {error}\n")
        lines = str(error).splitlines()[1:]
        write_report(False, [Check("settings", "fail", line.strip(" -")) for line in lines])
        return WRONG_SETTINGS
    found = asyncio.run(preflight(settings, stable_head=options.stable_head))
    for check in found.checks:
        line = json.dumps(check.as_json()) if options.json else str(check)
        sys.stdout.write(f"{line}\n")
    write_report(found.passed, found.checks, found.schema)
    return OK if found.passed else FAILED


def _refuse(check: str, text: str, code: int) -> int:
    sys.stderr.write(f"spark-app: {text}\n")
    write_report(False, [Check(check, "fail", text)])
    return code


def _serve() -> int:
    from spark_app.app import create_app  # noqa: PLC0415 - a migration needs no server
    from spark_app.logs import configure_logging  # noqa: PLC0415
    from spark_app.server import serve  # noqa: PLC0415

    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"spark-app: {error}\n")
        return WRONG_SETTINGS
    configure_logging(settings.log_level, settings.release)
    serve(create_app(settings), settings)
    return OK


def _migrate(options: argparse.Namespace) -> int:
    from spark_app.storage.migrate import run  # noqa: PLC0415 - the server needs no Alembic

    url = os.environ.get("DATABASE_URL")
    if not url:
        text = "DATABASE_URL is not set; name the database to migrate"
        return _refuse("migrate", text, WRONG_SETTINGS)
    began = time.monotonic()
    try:
        status = run(url, options.action, getattr(options, "to", None))
    except Exception as error:
        code, text = _classify(error)
        return _refuse("migrate", text, code)
    sys.stdout.write(_describe(status, as_json=options.json))
    detail = f"schema {status.current or 'none'}"
    write_report(True, [Check("migrate", "pass", detail, time.monotonic() - began)], status)
    return OK


def _classify(error: Exception) -> tuple[int, str]:
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from spark_app.storage.database import DatabaseURLError  # noqa: PLC0415
    from spark_app.storage.migrate import MigrationError, reason  # noqa: PLC0415

    match error:
        case DatabaseURLError():
            return WRONG_SETTINGS, str(error)
        case MigrationError():
            return FAILED, str(error)
        case SQLAlchemyError():
            return FAILED, f"the database refused: {reason(error)}"
        case _:
            # Whatever a driver raises while it connects.
            return UNREACHABLE, f"the database can't be reached: {reason(error)}"


def _describe(status: Status, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(status.as_json()) + "\n"
    lines = [
        f"current: {status.current or 'none'}",
        f"head:    {status.head}",
        f"pending: {', '.join(status.pending) or 'none'}",
    ]
    if not status.known:
        lines.append("the database's version is unknown to this release: it is older")
    lines += [
        f"  {row['applied_at']!s:.19} {row['direction']:4} {row['version']} by {row['release']}"
        for row in status.ledger
    ]
    return "\n".join(lines) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spark-app", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve until a signal ends it (the default)")
    before = commands.add_parser("preflight", help="check keys and dependencies, buying nothing")
    before.add_argument("--json", action="store_true", help="one JSON object a line")
    before.add_argument(
        "--stable-head",
        metavar="VERSION",
        default=os.environ.get("SPARK_STABLE_HEAD") or None,
        help="schema version of the release that serves now ($SPARK_STABLE_HEAD)",
    )
    migrate = commands.add_parser("migrate", help="the schema of DATABASE_URL")
    actions = migrate.add_subparsers(dest="action", required=True)
    for name, text in (
        ("up", "apply what is pending"),
        ("rollback", "undo the last version, or back to --to"),
        ("status", "show where the schema is"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("--json", action="store_true", help="machine-readable output")
        if name == "rollback":
            action.add_argument("--to", metavar="VERSION", help="the version to go back to")
    return parser
