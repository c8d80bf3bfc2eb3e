"""Times of the resource: read, kept in UTC, or refused with a reason."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from spark_operator.api.fields import Time

TIMES = TypeAdapter(Time)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-24T06:00:00+02:00", "2026-11-24T04:00:00Z"),
        ("2026-11-24T06:00:00.5Z", "2026-11-24T06:00:00.500Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_what_is_read_is_written_in_utc(text: str, written: str) -> None:
    assert TIMES.dump_python(TIMES.validate_python(text), mode="json") == written


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"])
def test_a_time_that_utc_does_not_have_is_refused(text: str) -> None:
    """The API server's schema lets it through, and every reconcile would fail to write it."""
    with pytest.raises(ValidationError, match="outside of the years"):
        TIMES.validate_python(text)
