"""``spec.strategy``, ``spec.guard``, ``spec.rollback``: how a release reaches users, and leaves."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from spark_operator.api.base import Model
from spark_operator.api.crd.cel import between, is_duration, rule, rules
from spark_operator.api.values import Duration

MAX_STEPS: Final = 20


class Step(Model):
    """One entry of the rollout plan."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"!has(self.maxDuration) || !{is_duration('self.minDuration')}"
                f" || !{is_duration('self.maxDuration')}"
                " || duration(self.minDuration) < duration(self.maxDuration)",
                "minDuration must be shorter than maxDuration, or the step can't end:"
                " lower minDuration or raise maxDuration",
                field=".maxDuration",
            )
        )
    )

    weight: int = Field(
        ge=0, le=100, description="The candidate's share of traffic in percent at this step."
    )
    min_duration: Duration = Field(
        "30s",
        description="Shortest time at this weight, even when the evidence is in.",
        json_schema_extra=between("0s", "24h"),
    )
    max_duration: Duration | None = Field(
        None,
        description="Longest time at this weight; without it, progressDeadline applies.",
        json_schema_extra=between("1s", "168h"),
    )
    min_requests: int = Field(
        0, ge=0, le=1_000_000, description="Fewest requests the candidate must have answered here."
    )
    manual: bool = Field(
        False, description="Wait for a person's approve request before leaving this step."
    )


class ReplicasTraffic(Model):
    """Traffic is split by the number of pods behind one Service."""


class Traffic(Model):
    """How traffic is split between stable and candidate."""

    replicas: ReplicasTraffic = Field(
        ReplicasTraffic(), description="Split by the number of pods of each release."
    )


class Canary(Model):
    """A candidate's traffic rises step by step."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.steps[size(self.steps) - 1].weight == 100",
                "the last step must have weight 100: add {weight: 100} at the end of steps",
                field=".steps",
            ),
            rule(
                "self.steps.map(s, s.weight).isSorted()",
                "weights must rise from step to step: put steps into ascending order of weight",
                field=".steps",
            ),
            rule(
                "self.steps.all(s, self.steps.exists_one(t, t.weight == s.weight))",
                "each weight may appear once in steps: remove the repeated step,"
                " or raise its minDuration to stay longer",
                field=".steps",
            ),
            rule(
                "self.steps.all(s, s.weight <= 50 || s.weight >= 100)",
                "by replica ratio a weight must be at most 50, or 100, because more than half"
                " needs more pods than stable has: use 50 and then 100",
                field=".steps",
            ),
            rule(
                f"!{is_duration('self.progressDeadline')} || self.steps.all(s,"
                f" has(s.maxDuration) || !{is_duration('s.minDuration')}"
                " || duration(s.minDuration) < duration(self.progressDeadline))",
                "a step's minDuration must be shorter than progressDeadline,"
                " or no step can end: raise progressDeadline or shorten minDuration",
                field=".progressDeadline",
            ),
        )
    )

    traffic: Traffic = Field(Traffic(), description="How traffic is split.")
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MAX_STEPS)] = Field(
        (Step(weight=5), Step(weight=25), Step(weight=50), Step(weight=100)),
        description="The plan: weights that rise to 100.",
    )
    fast_track: bool = Field(
        True, description="A release that was stable before goes to 100% without the other steps."
    )
    progress_deadline: Duration = Field(
        "10m",
        description="Longest time one step may last; then traffic returns to stable.",
        json_schema_extra=between("10s", "168h"),
    )


class Strategy(Model):
    """How a new release reaches the users."""

    canary: Canary = Field(Canary(), description="Step by step, judged at each step.")


class Guard(Model):
    """The watch after promotion."""

    duration: Duration = Field(
        "1h",
        description="How long the previous release stays warm and the watch goes on; up to twice "
        "as long while the error rate is above its warning, or no numbers come.",
        json_schema_extra=between("0s", "720h"),
    )


class Rollback(Model):
    """What happens when a release fails."""

    automatic: bool = Field(True, description="Roll back without asking.")
    on_shared_failure: Literal["Hold", "Rollback"] = Field(
        "Hold", description="When stable fails the same way: hold the weight, or roll back."
    )
