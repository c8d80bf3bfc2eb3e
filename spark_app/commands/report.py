"""What a command found, for whoever started it: the file that `SPARK_REPORT_FILE` names.

In a Job the file is the container's termination message, of which Kubernetes keeps 4096 bytes
(`terminationMessagePath`), so that a controller reads the result in the pod's status, without logs:

```
{"passed": bool,
 "checks": [{"check": str, "status": "pass|warn|fail", "detail": str, "seconds": float}, …],
 "schema": {"current": str|null, "head": str, "pending": [str, …], "known": bool, "floor": str}}
```
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spark_app.jsontext import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_app.storage.migrate import Status

__all__ = ["MAX_BYTES", "MAX_DETAIL", "Check", "Verdict", "render_report", "write_report"]

VARIABLE = "SPARK_REPORT_FILE"
MAX_BYTES = 4000
MAX_DETAIL = 200
"""Characters of one detail."""
MAX_PENDING = 20
_SHORTER = (MAX_DETAIL, 120, 60, 30)
Verdict = Literal["pass", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `detail` says what was found, and what to do where that isn't good."""

    check: str
    status: Verdict
    detail: str
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """JSON types."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        """For a person."""
        return f"{self.status:4} {self.check:18} {self.seconds:6.2f} s  {self.detail}"


def render_report(passed: bool, checks: Sequence[Check], schema: Status | None = None) -> bytes:
    """The report as JSON of at most `MAX_BYTES` bytes.

    What doesn't fit is shortened: first every detail, then checks go, the good ones first.
    """
    left = sorted(checks, key=lambda check: check.status == "pass")
    while True:
        for length in _SHORTER:
            kept = [check for check in checks if check in left]
            text = encode(_document(passed, kept, schema, length))
            if len(text) <= MAX_BYTES:
                return text
        left.pop()


def write_report(passed: bool, checks: Sequence[Check], schema: Status | None = None) -> None:
    """Write the report to the file that `SPARK_REPORT_FILE` names; nothing where it names none.

    A file that can't be written is said on standard error: the exit code tells the result as well.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return
    try:
        # Kubernetes mounts the file itself: it is written in place, a rename would be lost.
        Path(name).write_bytes(render_report(passed, checks, schema))
    except OSError as error:
        sys.stderr.write(f"spark-app: {VARIABLE} can't be written ({type(error).__name__})\n")


def _document(
    passed: bool, checks: Sequence[Check], schema: Status | None, length: int
) -> dict[str, Any]:
    lines = [check.as_json() | {"detail": _cut(check.detail, length)} for check in checks]
    document: dict[str, Any] = {"passed": passed, "checks": lines}
    if schema is not None:
        document["schema"] = {
            "current": schema.current,
            "head": schema.head,
            "pending": list(schema.pending[:MAX_PENDING]),
            "known": schema.known,
            "floor": schema.floor,
        }
    return document


def _cut(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
