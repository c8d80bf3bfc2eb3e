"""The command `spark-app`: `serve` (the default), `preflight`, `migrate`, `verify`, `traffic`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from spark_app.commands.options import parser
from spark_app.commands.report import Check, write_report
from spark_app.settings import SettingsError, load_settings, unread

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

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
    options = parser().parse_args(arguments)
    if options.command in {None, "serve"}:
        return _serve()
    # As a container's first process Python would not be ended by SIGTERM at all.
    signal.signal(signal.SIGTERM, lambda *_: _stop(options.command))
    commands: Mapping[str, Callable[[argparse.Namespace], int]] = {
        "migrate": _migrate,
        "preflight": _preflight,
        "verify": _verify,
        "traffic": _traffic,
    }
    return commands[options.command](options)


def _stop(check: str) -> NoReturn:
    text = "ended by SIGTERM before it was done: somebody stopped it, or its time was over"
    sys.exit(_refuse(check, text, STOPPED))


def _preflight(options: argparse.Namespace) -> int:
    from spark_app.commands.preflight import preflight  # noqa: PLC0415 - the server needs none

    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"spark-app: {error}\n")
        lines = str(error).splitlines()[1:]
        write_report(False, [Check("settings", "fail", line.strip(" -")) for line in lines])
        return WRONG_SETTINGS
    found = asyncio.run(preflight(settings, stable_head=options.stable_head))
    slips = "; ".join(unread(os.environ))
    checks = (*((Check("settings", "warn", slips),) if slips else ()), *found.checks)
    _show(checks, as_json=options.json)
    write_report(found.passed, checks, found.schema)
    return OK if found.passed else FAILED


def _verify(options: argparse.Namespace) -> int:
    from spark_app.commands.verify import Bounds, verify  # noqa: PLC0415 - the server needs none

    bounds = Bounds(options.health_ms / 1000.0, options.generate_seconds, options.export_seconds)
    return _judge(asyncio.run(verify(options.url, bounds)), as_json=options.json)


def _traffic(options: argparse.Namespace) -> int:
    from spark_app.commands.traffic import Load, traffic  # noqa: PLC0415 - the server needs none

    load = Load(options.requests, options.rate, options.seconds)
    return _judge(asyncio.run(traffic(options.urls, load)), as_json=options.json)


def _judge(checks: Sequence[Check], *, as_json: bool) -> int:
    passed = all(check.status != "fail" for check in checks)
    _show(checks, as_json=as_json)
    write_report(passed, checks)
    return OK if passed else FAILED


def _show(checks: Sequence[Check], *, as_json: bool) -> None:
    for check in checks:
        line = json.dumps(check.as_json()) if as_json else str(check)
        sys.stdout.write(f"{line}\n")


def _refuse(check: str, text: str, code: int, schema: Status | None = None) -> int:
    sys.stderr.write(f"spark-app: {text}\n")
    write_report(False, [Check(check, "fail", text)], schema)
    return code


def _where(url: str) -> Status | None:
    """Where a failure has left the schema: of several versions the first ones may be applied."""
    from spark_app.storage.migrate import run  # noqa: PLC0415 - the server needs no Alembic

    try:
        return run(url, "status", None)
    except Exception:
        # The failure itself has been said, and is what counts.
        return None


def _serve() -> int:
    from spark_app.service.app import create_app  # noqa: PLC0415 - a migration needs no server
    from spark_app.service.server import serve  # noqa: PLC0415
    from spark_app.telemetry.logs import configure_logging  # noqa: PLC0415

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
        return _refuse("migrate", text, code, _where(url) if code == FAILED else None)
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
