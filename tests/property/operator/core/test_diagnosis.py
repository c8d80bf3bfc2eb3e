"""Whatever pods say, the diagnosis is bounded and fit for status."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st

from spark_operator.adapters.metrics.exposition import MAX_VALUE, VITALS, ExpositionError, vitals
from spark_operator.api.status.status import MAX_FINDINGS, SparkDeploymentStatus
from spark_operator.core.decide.decide import decide
from spark_operator.core.observe.vitals import Checked, Measure, Round
from tests.unit.operator.core.builders import NOW, pod, resource, seen, status, workload

LABELS = {
    "status_class": ("2xx", "5xx", "9xx"),
    "origin": ("app", "provider", "none", ""),
    "attempt": ("first", "retry"),
    "le": ("10", "+Inf", "x", "NaN", "-1"),
    "result": ("hit", "miss"),
    "provider": ("claude", "openai", "other", ""),
    "state": ("closed", "open", "in_use", "max"),
    "kind": ("timeout", "unauthorized", "new"),
    "resource": ("tokens", ""),
    "key_id": ("anonymous", "x" * 64, ""),
}
VALUES = st.one_of(
    st.sampled_from([0.0, 1.0, 5e-324, 1e-300, MAX_VALUE]), st.floats(0.0, MAX_VALUE)
)
MEASURES = st.builds(
    Measure,
    st.sampled_from(sorted(VITALS)),
    st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in LABELS.items()}),
    VALUES,
)
PAGES = st.one_of(st.none(), st.lists(MEASURES, max_size=60).map(tuple))


def _measure(name: str, value: float, **labels: str) -> Measure:
    return Measure(name, labels, value)


TINY: Final = (
    *(
        _measure("spark_generation_duration_seconds_bucket", value, le=le)
        for le, value in (("10", 0.0), ("+Inf", MAX_VALUE))
    ),
    _measure("spark_memory_limit_bytes", 5e-324),
    _measure("spark_memory_working_set_bytes", MAX_VALUE),
    _measure("spark_provider_duration_seconds_sum", MAX_VALUE, provider="claude"),
    _measure("spark_provider_duration_seconds_count", 5e-324, provider="claude"),
)
"""Quotients that no float holds."""


@example(old=[], new=[TINY], ready=True)
@given(old=st.lists(PAGES, max_size=4), new=st.lists(PAGES, max_size=4), ready=st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_numbers_break_a_turn(
    old: list[tuple[Measure, ...] | None], new: list[tuple[Measure, ...] | None], ready: bool
) -> None:
    rounds = tuple(
        Round(at, tuple(Checked(pod(1, n, ready=ready), page) for n, page in enumerate(pages)))
        for at, pages in ((NOW - 60, old), (NOW, new))
    )
    world = replace(seen(workload(1, 4)), rounds=rounds)
    after = decide(resource(1, status("Stable")), world, NOW).status
    assert len(after.diagnosis) <= MAX_FINDINGS
    assert SparkDeploymentStatus.model_validate(after.to_dict()).diagnosis == after.diagnosis


@given(page=st.binary(max_size=300), value=st.sampled_from([b"1e400", b"-1", b"NaN", b"+Inf"]))
def test_no_page_gives_a_number_that_is_none(page: bytes, value: bytes) -> None:
    try:
        found = vitals(b"spark_memory_limit_bytes " + value + b"\n" + page)
    except ExpositionError:
        return
    assert all(0 <= item.value <= MAX_VALUE for item in found)
