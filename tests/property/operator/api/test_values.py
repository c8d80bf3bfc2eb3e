"""Durations, percentages and quantities: what is written is what is read."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spark_operator.api.crd.cel import DURATION_PATTERN, PERCENT_PATTERN, QUANTITY_PATTERN
from spark_operator.api.values import ValueFormError, fraction, quantity, seconds

if TYPE_CHECKING:
    from decimal import Decimal

UNIT_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
READERS = [
    (seconds, DURATION_PATTERN),
    (fraction, PERCENT_PATTERN),
    (quantity, QUANTITY_PATTERN),
]

duration_parts = st.lists(
    st.tuples(st.integers(0, 99_999), st.sampled_from(list(UNIT_MILLISECONDS))),
    min_size=1,
    max_size=4,
)


@given(duration_parts)
def test_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    wanted = sum(number * UNIT_MILLISECONDS[unit] for number, unit in parts) / 1000
    assert math.isclose(seconds(text), wanted, rel_tol=1e-12)


@given(st.from_regex(DURATION_PATTERN, fullmatch=True))
def test_every_duration_that_the_schema_lets_through_is_finite(text: str) -> None:
    assert 0 <= seconds(text.rstrip("\n")) <= 4 * 100_000 * 3600


@given(st.decimals(0, 100, places=4))
def test_percentage_is_a_hundredth(value: Decimal) -> None:
    text = f"{value.normalize():f}%"
    assert fraction(text) == pytest.approx(float(value) / 100, abs=1e-15)


@given(
    st.integers(0, 10**9),
    st.sampled_from([("", 1), ("k", 10**3), ("M", 10**6), ("Ki", 2**10), ("Gi", 2**30)]),
)
def test_quantity_is_exact(number: int, unit: tuple[str, int]) -> None:
    suffix, factor = unit
    assert quantity(f"{number}{suffix}") == number * factor
    assert quantity(f"{number}m") * 1000 == number


@given(st.from_regex(QUANTITY_PATTERN, fullmatch=True))
def test_every_quantity_that_the_schema_lets_through_is_read(text: str) -> None:
    assert quantity(text.rstrip("\n")) >= 0


@given(st.text(max_size=12) | st.from_regex(r"[0-9.]{0,4}(m|h|s|ms|%|Ki|i|e)?\n?", fullmatch=True))
@example("30s\n")
@example("5%\n")
@example("1Gi\n")
@example("")
@example("1 h")
@example("٣s")
def test_readers_agree_with_the_schema_on_what_has_the_form(text: str) -> None:
    for read, pattern in READERS:
        if re.fullmatch(pattern, text) and not text.endswith("\n"):
            read(text)
        else:
            with pytest.raises(ValueFormError, match="write a number"):
                read(text)
