"""Other releases of the service: copies of it with more schema versions, run as commands."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spark_app

FIRST, SECOND, THIRD = "20241201000000", "20241207000000", "20250101000000"
ADDS = 'op.execute("ALTER TABLE spark_usage ADD COLUMN note text")'
TAKES = 'op.execute("ALTER TABLE spark_usage DROP COLUMN note")'


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    error: str
    report: dict[str, Any]

    def detail(self, check: str) -> str:
        """What the report says of a check."""
        return next(str(one["detail"]) for one in self.report["checks"] if one["check"] == check)


@dataclass(frozen=True, slots=True)
class Release:
    """One release: `folder` holds its copy of the package."""

    folder: Path

    async def run(self, *arguments: str, **environment: str) -> Outcome:
        """Run `spark-app` with exactly this environment and a report file."""
        file = self.folder / "report.json"
        file.write_text("")
        process = await self.start(*arguments, SPARK_REPORT_FILE=str(file), **environment)
        out, error = await process.communicate()
        text = file.read_text()
        report = json.loads(text) if text else {}
        return Outcome(process.returncode or 0, out.decode(), error.decode(), report)

    async def start(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        """Start it and leave it running."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "spark_app", *arguments),
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder), **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )


def release(folder: Path, upgrade: str | None = None, **declared: str) -> Release:
    """Make a release in an empty folder; `upgrade` is the body of a third schema version.

    `declared` are further names of that version's module.
    """
    source = Path(spark_app.__file__).parent
    shutil.copytree(source, folder / "spark_app", ignore=shutil.ignore_patterns("__pycache__"))
    if upgrade is not None:
        more = "".join(f"{name} = {value!r}\n" for name, value in declared.items())
        (folder / "spark_app/storage/migrations/versions/third.py").write_text(
            f"from alembic import op\n\nrevision = {THIRD!r}\ndown_revision = {SECOND!r}\n{more}"
            f"\n\ndef upgrade():\n    {upgrade}\n\n\ndef downgrade():\n    {TAKES}\n"
        )
    return Release(folder)
