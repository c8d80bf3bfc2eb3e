"""Whatever is pushed in, no release gets more traffic by it, and nothing acts twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from spark_operator.api.fields import to_time
from spark_operator.core.decide.decide import decide
from spark_operator.core.observe.values import Alert
from tests.unit.operator.core.builders import NOW, name, resource, seen, status
from tests.unit.operator.core.decide.cases import (
    BAD,
    BOTH_BAD,
    FOUR_TWOS,
    GOOD,
    ONE,
    SILENT,
    TOO_FEW,
    at,
    guarded,
    shared,
    under_guard,
)

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.observe.observations import Observations

JUDGED = (GOOD, BAD, BOTH_BAD, TOO_FEW, SILENT)
WORLDS = [
    *(
        (at(step, weight, phase), shared(state))
        for state in JUDGED
        for step, weight, phase in ((0, 5, "Progressing"), (1, 25, "Paused"), (3, 50, "Promoting"))
    ),
    *((guarded(), under_guard(state)) for state in JUDGED),
    (status("Stable", stable=2), seen(FOUR_TWOS, route=2)),
    (status("RollingBack", candidate=2), seen(ONE, route=1)),
    (status("RolledBack"), seen(ONE, route=1)),
    (status("Pending"), seen(ONE, route=1)),
]
ALERTS = st.lists(
    st.builds(
        Alert,
        fingerprint=st.sampled_from(["a", "b", "c"]),
        name=st.sampled_from(["X", "Y"]),
        starts_at=st.sampled_from([NOW - 5.0, NOW - 30.0, NOW - 61.0, NOW - 2000.0, NOW + 90.0]),
        firing=st.booleans(),
        release=st.sampled_from(["", name(1), name(2), name(3)]),
        severity=st.sampled_from(["critical", "warning", "info"]),
        uid=st.sampled_from(["", "another"]),
    ),
    max_size=6,
).map(tuple)


def draft(before: SparkDeploymentStatus, world: Observations, *alerts: Alert) -> Decision:
    return decide(resource(2, before), replace(world, alerts=alerts), NOW)


def traffic(decision: Decision) -> tuple[str, int]:
    """Who serves users besides the candidate, and the candidate's share."""
    stable = decision.status.stable
    return (stable.release if stable else "", decision.status.weight.desired)


@settings(deadline=None)
@given(st.sampled_from(WORLDS), ALERTS)
def test_an_alert_only_stops_or_rolls_back(
    world: tuple[SparkDeploymentStatus, Observations], alerts: tuple[Alert, ...]
) -> None:
    without, pushed = draft(*world), draft(*world, *alerts)
    assert pushed.status.phase in {world[0].phase, without.status.phase, "RollingBack"}
    assert traffic(pushed)[1] <= traffic(without)[1]
    if pushed.status.phase == "RollingBack" != without.status.phase:
        assert any(said == "RolledBack" for _, said in pushed.alerts)
        assert traffic(pushed) == (name(1), 0)


@settings(deadline=None)
@given(st.sampled_from(WORLDS), ALERTS)
def test_what_was_taken_in_is_not_taken_in_again(
    world: tuple[SparkDeploymentStatus, Observations], alerts: tuple[Alert, ...]
) -> None:
    first = draft(*world, *alerts)
    again = draft(first.status, world[1], *alerts)
    taken = {(item.fingerprint, item.starts_at): item.at for item in first.status.alerts}
    later = {(item.fingerprint, item.starts_at): item.at for item in again.status.alerts}
    assert len(later) == len(again.status.alerts)
    assert {key: later[key] for key in taken} == taken
    for alert, said in again.alerts:
        if (alert.fingerprint, to_time(alert.starts_at)) in taken:
            assert said in ("Repeated", "Resolved", "NotFiring")


@settings(deadline=None)
@given(st.sampled_from(WORLDS), ALERTS)
def test_each_alert_is_accounted_for(
    world: tuple[SparkDeploymentStatus, Observations], alerts: tuple[Alert, ...]
) -> None:
    assert [alert for alert, _ in draft(*world, *alerts).alerts] == list(alerts)
