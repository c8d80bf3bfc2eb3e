"""A provider that is down on every pod: shown and told at once and once, and nobody's fault."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.core import judge
from spark_operator.core.decide.decide import decide
from spark_operator.core.observe.vitals import Checked, Measure, Round
from tests.unit.operator.core.builders import NOW, pod, resource, sample, seen, status, workload
from tests.unit.operator.core.decide.cases import GOOD, at, shared
from tests.unit.operator.core.notifications.told import PAGER

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision

TOLD: Any = {
    "notifications": {"pagerDuty": [PAGER], "slack": [{"webhookURL": PAGER["routingKey"]}]}
}
STATES = ("closed", "open", "half-open")


def looked(*pods: dict[str, str], now: float = NOW) -> Round:
    """A round at rest: a provider's state on each pod."""
    checked = [
        Checked(
            pod(1, number),
            tuple(
                Measure(
                    "spark_circuit_breaker_state",
                    {"provider": provider, "state": state},
                    float(state == found),
                )
                for provider, found in states.items()
                for state in STATES
            ),
        )
        for number, states in enumerate(pods)
    ]
    return Round(now, tuple(checked))


KEY = {"name": "spark-providers", "key": "k"}
BOTH: Any = {"secrets": {"anthropicAPIKey": KEY, "openaiAPIKey": KEY}}


def rest(
    before: SparkDeploymentStatus,
    *pods: dict[str, str],
    after: float = 0.0,
    age: float = 0.0,
    keys: Any = BOTH,
) -> Decision:
    rounds = (looked(*pods, now=NOW + after - age),) if pods else ()
    world = replace(seen(workload(1, 4)), rounds=rounds)
    return decide(resource(1, before, **TOLD, **keys), world, NOW + after)


def degraded(decision: Decision) -> tuple[str, str, str]:
    (found,) = (item for item in decision.status.conditions if item.type == "Degraded")
    return found.status, found.reason, found.message


def queued(decision: Decision) -> list[tuple[str, str]]:
    assert decision.status.notifications is not None
    return [(item.kind, item.action) for item in decision.status.notifications.outbox]


DOWN = {"claude": "open", "openai": "closed"}
UP = {"claude": "closed", "openai": "closed"}
TRYING = {"claude": "half-open", "openai": "closed"}


def test_open_on_every_pod_names_the_provider_and_who_answers_instead() -> None:
    state, reason, message = degraded(rest(status("Stable"), DOWN, DOWN))
    assert (state, reason) == ("True", "ProviderDown")
    assert message == (
        "the breaker of claude (on all of 2 pods) is open: the service asks openai instead"
    )


def test_both_down_says_that_nobody_is_left() -> None:
    both = dict.fromkeys(UP, "open")
    assert "no provider is left" in degraded(rest(status("Stable"), both))[2]


def test_a_provider_without_a_key_answers_nobody() -> None:
    one: Any = {"secrets": {"anthropicAPIKey": KEY}}
    assert "no provider is left" in degraded(rest(status("Stable"), DOWN, keys=one))[2]


@pytest.mark.parametrize("pods", [(DOWN, UP), (UP, UP), (TRYING, TRYING), (DOWN, TRYING, UP)])
def test_not_on_every_pod_is_no_outage(pods: tuple[dict[str, str], ...]) -> None:
    assert degraded(rest(status("Stable"), *pods))[0] == "False"


def test_half_open_and_turns_without_a_look_keep_what_was_known() -> None:
    down = rest(status("Stable"), DOWN, DOWN)
    unseen = rest(down.status, after=3)
    assert degraded(unseen) == degraded(down)
    old = rest(unseen.status, UP, UP, after=9, age=6)
    assert degraded(old) == degraded(down)
    trying = rest(old.status, TRYING, DOWN, after=20)
    assert degraded(trying)[1] == "ProviderDown"
    assert degraded(rest(trying.status, TRYING, UP, after=50))[0] == "False"


def test_one_notice_when_it_begins_and_one_when_it_has_been_over_for_a_while() -> None:
    down = rest(status("Stable"), DOWN)
    assert [event.reason for event in down.events] == ["ProviderDown"]
    assert queued(down) == [("ProviderDown", "trigger")]
    back = rest(down.status, UP, after=30)
    again = rest(back.status, DOWN, after=45)
    assert again.events == ()
    over = rest(again.status, UP, after=60)
    assert queued(over) == queued(down)
    assert over.next_due == NOW + 90
    calm = rest(over.status, after=90)
    assert queued(calm)[-1] == ("Degraded", "resolve")
    assert len(queued(calm)) == 2


def test_on_trial_it_is_seen_in_the_judges_readings_and_rolls_nothing_back() -> None:
    def read(uid: str) -> judge.PodSample:
        found = sample(uid, NOW, 100, 0)
        assert found.values is not None
        return replace(found, values=replace(found.values, breakers=tuple(DOWN.items())))

    tick = judge.Tick(NOW, candidate=(read("2-0"),), stable=(read("1-0"), read("1-1")))
    world: Any = shared(GOOD, tick=tick)
    after = decide(resource(2, at(1, 25), **TOLD), world, NOW)
    assert after.status.phase == "Progressing"
    assert degraded(after)[1] == "ProviderDown"
    assert "on all of 3 pods" in degraded(after)[2]


def test_a_service_without_pods_has_no_provider_that_is_down() -> None:
    down = rest(status("Stable"), DOWN)
    world = seen(workload(1, 0))
    gone = decide(resource(1, down.status, **TOLD), world, NOW + 5)
    assert degraded(gone)[1] == "PodsNotReady"
