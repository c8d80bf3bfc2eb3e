"""Field types that several parts of the API share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from spark_operator.api.text import printable

MAX_MESSAGE: Final = 512
MAX_COUNT: Final = 2**53 - 1
"""Largest integer that every JSON reader keeps exact."""


def parse_time(value: object) -> object:
    """Read RFC 3339 text as an aware time; anything else is pydantic's to judge.

    Raises:
        ValueError: the text is no such time, or is none any more in UTC.
    """
    if not isinstance(value, str):
        return value
    found = datetime.fromisoformat(value)
    try:
        found.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value} lies outside of the years 1 to 9999 in UTC") from None
    return found


def format_time(value: datetime) -> str:
    """Write an aware time as RFC 3339 in UTC, with milliseconds where there are any."""
    utc = value.astimezone(UTC)
    spec = "milliseconds" if utc.microsecond else "seconds"
    return utc.replace(tzinfo=None).isoformat(timespec=spec) + "Z"


Time = Annotated[
    datetime,
    BeforeValidator(parse_time),
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Hash = Annotated[str, Field(pattern=r"^[a-z0-9]{10}$", max_length=10)]
Reason = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$", max_length=64)]
Message = Annotated[str, Field(max_length=MAX_MESSAGE)]


def clip(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return the text printable, and cut with an ellipsis where it is longer than ``limit``."""
    text = printable(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def to_time(now: float) -> datetime:
    """Seconds since the epoch as an aware time with milliseconds, which status keeps."""
    return datetime.fromtimestamp(round(now, 3), UTC)
