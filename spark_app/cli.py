"""The command `spark-app`: `serve` (the default), `preflight`, `migrate`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

from spark_app.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_app.storage.migrate import Status

__all__ = ["main"]

OK, FAILED, WRONG_SETTINGS, UNREACHABLE = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 done, 1 refused or failed, 2 wrong settings, 3 the database can't be reached.
    """
    options = _parser().parse_args(arguments)
    if options.command == "migrate":
        return _migrate(options)
    if options.command == "preflight":
        return _preflight(options)
    return _serve()


def _preflight(options: argparse.Namespace) -> int:
    from spark_app.preflight import passed, preflight  # noqa: PLC0415 - the server needs none

    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"spark-app: {error}\n")
        return WRONG_SETTINGS
    checks = asyncio.run(preflight(settings))
    for check in checks:
        line = json.dumps(check.as_json()) if options.json else str(check)
        sys.stdout.write(f"{line}\n")
    return OK if passed(checks) else FAILED


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
        sys.stderr.write("spark-app: DATABASE_URL is not set; name the database to migrate\n")
        return WRONG_SETTINGS
    try:
        status = run(url, options.action, getattr(options, "to", None))
    except Exception as error:
        code, text = _classify(error)
        sys.stderr.write(f"spark-app: {text}\n")
        return code
    sys.stdout.write(_describe(status, as_json=options.json))
    return OK


def _classify(error: Exception) -> tuple[int, str]:
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from spark_app.storage.database import DatabaseURLError  # noqa: PLC0415
    from spark_app.storage.migrate import MigrationError  # noqa: PLC0415

    match error:
        case DatabaseURLError():
            return WRONG_SETTINGS, str(error)
        case MigrationError():
            return FAILED, str(error)
        case SQLAlchemyError():
            return FAILED, f"the database refused: {_reason(error)}"
        case _:
            # Whatever a driver raises while it connects.
            return UNREACHABLE, f"the database can't be reached: {_reason(error)}"


def _reason(error: BaseException) -> str:
    # PostgreSQL's own words name the user and the database, never the password.
    original = getattr(error, "orig", None) or error
    text = " ".join(str(original).split())
    return f"{type(original).__name__}: {text[:300]}"


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
        f"  {row['applied_at'][:19]} {row['direction']:4} {row['version']} by {row['release']}"
        for row in status.ledger
    ]
    return "\n".join(lines) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spark-app", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve until a signal ends it (the default)")
    before = commands.add_parser("preflight", help="check keys and dependencies, buying nothing")
    before.add_argument("--json", action="store_true", help="one JSON object a line")
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
