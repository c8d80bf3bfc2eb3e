"""What the operator says about a common issue, from what real pods tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.stage import condition

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

TOO_STRICT = "100ms"
"""The providers' stand-in takes longer than this for most generations."""
ROUNDS_SECONDS = 180
"""Two looks, 30 s apart, on a busy machine."""


async def test_slow_answers_are_diagnosed_at_rest_and_so_is_their_end(stage: Stage) -> None:
    analysis = dict(stage.spec.get("analysis") or {})
    await stage.apply(analysis=analysis | {"latencyP95": {"warning": TOO_STRICT}})
    ill = await stage.until(
        "the diagnosis",
        lambda s: condition(s, "Diagnosis") == "True/SlowResponseTimes",
        seconds=ROUNDS_SECONDS,
    )
    said = next(c.message for c in ill.conditions if c.type == "Diagnosis")
    print(said)
    assert f"generations took longer than {TOO_STRICT}" in said
    assert {finding.symptom for finding in ill.diagnosis} == {"SlowResponseTimes"}
    assert ill.phase == "Stable"

    await stage.apply(analysis=analysis | {"latencyP95": {"warning": "10s"}})
    await stage.until(
        "its end",
        lambda s: condition(s, "Diagnosis") == "False/NoSymptom" and not s.diagnosis,
        seconds=ROUNDS_SECONDS,
    )
