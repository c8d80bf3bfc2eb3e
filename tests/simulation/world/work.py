"""What the commands of a release's image do as a Job: how long, with which report and exit code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

JOB_LABEL: Final = "spark.dev/job"
MIGRATE: Final = "migrate"
ROLLBACK: Final = "undo"
VERIFIED: Final = ("health", "metrics", "generate", "export")
CHECKS: Final[Mapping[str, tuple[str, ...]]] = {
    "preflight": ("keys", "database", "redis", "nats", "schema"),
    "verify": VERIFIED,
    "compare": VERIFIED,
}
"""Checks in the report of each kind; any other kind reports one check of its own name."""
SCHEMA_KINDS: Final = frozenset({"preflight", MIGRATE, ROLLBACK})
MOST_REPORT_BYTES: Final = 4000
End = Literal["passes", "fails", "hangs", "is killed", "is killed after its commit", "garbles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One command's run; times are seconds after its container started.

    Attributes:
        end: how it ends. ``hangs``: never by itself, and it ignores SIGTERM.  ``is killed``: by
            the kernel, half way, without a report.  ``garbles``: exit code 0 and no report.
        seconds: how long it takes.
        check: the check that fails, the first of its kind by default.
        detail: the failed check's words.
        known: whether the release knows the schema that is there.
    """

    end: End = "passes"
    seconds: float = 3.0
    check: str = ""
    detail: str = "connection refused"
    known: bool = True


DEFAULT: Final = Work()


def report(kind: str, work: Work, schema: Mapping[str, Any]) -> str:
    """What the command writes to its termination log: one JSON object.

    Args:
        kind: the Job's ``spark.dev/job``.
        work: how the command ends.
        schema: current, head and pending versions of the database.
    """
    names = CHECKS.get(kind, (kind,))
    wrong = (work.check or names[0]) if work.end == "fails" else ""
    checks = [
        {
            "check": name,
            "status": "fail" if name == wrong else "pass",
            "detail": work.detail if name == wrong else "",
            "seconds": 0.01,
        }
        for name in names
    ]
    found: dict[str, Any] = {"passed": not wrong, "checks": checks}
    if kind in SCHEMA_KINDS:
        found["schema"] = {**schema, "known": work.known}
    text = json.dumps(found)
    assert len(text.encode()) <= MOST_REPORT_BYTES
    return text
