"""The report that a release's own command leaves behind: read from outside, so bounded.

The command writes one JSON object to its pod's termination message:
``{"passed": bool, "checks": [{"check", "status", "detail", "seconds"}], "schema": {"current",
"head"}}``. An image whose command writes none is taken by its exit code, and what it printed last
is its message.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from spark_operator.api.fields import MAX_MESSAGE
from spark_operator.api.status.runs import MAX_CHECKS, MAX_DETAIL, CheckStatus, SchemaStatus
from spark_operator.api.text import printable

MAX_BYTES: Final = 16_384
"""More than the kubelet keeps of a termination message."""
MAX_VERSION: Final = 32
MAX_SECONDS: Final = 1e6
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9:#._-]")


@dataclass(frozen=True, slots=True)
class Report:
    """What a command found.

    Attributes:
        checks: its checks, bounded in number and length.
        schema: where the schema stands; None where the command is not about that.
        text: the end of its output, where it wrote no report.
    """

    checks: tuple[CheckStatus, ...] = ()
    schema: SchemaStatus | None = None
    text: str = ""


def parse(text: str) -> Report:
    """Read a termination message; whatever is not a report is text."""
    try:
        found = json.loads(text[:MAX_BYTES])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("checks"), list):
        return Report(text=_tail(text))
    return Report(checks=_checks(found["checks"]), schema=_schema(found.get("schema")))


def _checks(items: list[Any]) -> tuple[CheckStatus, ...]:
    known = [item for item in items if isinstance(item, dict)]
    # What failed must not be among what is left out.
    ranked = sorted(known, key=lambda item: item.get("status") == "pass")
    kept = ranked[:MAX_CHECKS]
    return tuple(_check(item) for item in known if any(item is other for other in kept))


def _check(item: dict[str, Any]) -> CheckStatus:
    status = item.get("status")
    seconds = item.get("seconds")
    sound = isinstance(seconds, int | float) and 0 <= seconds <= MAX_SECONDS
    return CheckStatus(
        check=_NOT_IN_A_NAME.sub("-", str(item.get("check", "")))[:32] or "check",
        status=status if status in ("pass", "warn", "fail") else "fail",
        detail=" ".join(printable(str(item.get("detail", ""))).split())[:MAX_DETAIL],
        seconds=round(float(seconds), 3) if sound and seconds is not None else 0.0,
    )


def _schema(found: Any) -> SchemaStatus | None:
    if not isinstance(found, dict):
        return None
    return SchemaStatus(current=_version(found.get("current")), head=_version(found.get("head")))


def _version(value: Any) -> str | None:
    fits = isinstance(value, str) and value.isprintable() and 0 < len(value) <= MAX_VERSION
    return value if fits else None


def _tail(text: str) -> str:
    """The last words of an output, on one line."""
    words = " ".join(printable(text).split())
    return words if len(words) <= MAX_MESSAGE else "…" + words[-(MAX_MESSAGE - 1) :]
