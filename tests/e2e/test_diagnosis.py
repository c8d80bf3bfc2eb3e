"""What the operator says about the common issues, from what real pods tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.support.stage import condition

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from tests.e2e.support.stage import Stage

TOO_STRICT = "100ms"
"""The providers' stand-in takes longer than this for most generations."""
ROUNDS_SECONDS = 180
"""Two looks, 30 s apart, on a busy machine."""


def _said(status: SparkDeploymentStatus) -> str:
    return next(c.message for c in status.conditions if c.type == "Diagnosis")


async def _well(stage: Stage) -> None:
    await stage.until(
        "its end",
        lambda s: condition(s, "Diagnosis") == "False/NoSymptom" and not s.diagnosis,
        seconds=ROUNDS_SECONDS,
    )


async def test_slow_answers_are_diagnosed_at_rest_and_so_is_their_end(stage: Stage) -> None:
    analysis = dict(stage.spec.get("analysis") or {})
    await stage.apply(analysis=analysis | {"latencyP95": {"warning": TOO_STRICT}})
    ill = await stage.until(
        "the diagnosis",
        lambda s: condition(s, "Diagnosis") == "True/SlowResponseTimes",
        seconds=ROUNDS_SECONDS,
    )
    said = _said(ill)
    assert f"generations took longer than {TOO_STRICT}" in said
    assert {finding.symptom for finding in ill.diagnosis} == {"SlowResponseTimes"}
    assert ill.phase == "Stable"

    await stage.apply(analysis=analysis | {"latencyP95": {"warning": "10s"}})
    await _well(stage)


async def test_a_refused_key_is_diagnosed(stage: Stage) -> None:
    await stage.faults(anthropic={"error_rate": 1.0, "status": 401})
    ill = await stage.until(
        "the diagnosis",
        lambda s: condition(s, "Diagnosis") == "True/HighErrorRates",
        seconds=ROUNDS_SECONDS,
    )
    assert "requests failed lately, 100% of them at a provider" in _said(ill)
    assert "claude refuses its key on" in _said(ill)
    assert "secrets.anthropicAPIKey" in _said(ill)
    assert ill.phase == "Stable"
    assert condition(ill, "Degraded").startswith("False/"), "the provider is well, the key is not"
