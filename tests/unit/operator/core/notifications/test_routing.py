"""Who is told what."""

from __future__ import annotations

from typing import Any

import pytest

from spark_operator.api.fields import to_time
from spark_operator.api.status.outbox import Alarm
from spark_operator.core.notifications.routing import recipients, routes
from tests.unit.operator.core.builders import NOW, resource
from tests.unit.operator.core.notifications.told import ALL, PAGER, SLACK

EVERY = ("email/default", "slack/default", "pagerDuty/default", "webhook/default")
BUT_PAGER = ("email/default", "slack/default", "webhook/default")


def alarm(severity: str = "critical", *, contained: bool = False) -> Alarm:
    return Alarm.model_validate(
        {
            "kind": "Degraded",
            "reason": "BreakerOpen",
            "severity": severity,
            "since": to_time(NOW),
            "contained": contained,
        }
    )


def spec(**told: Any) -> Any:
    return resource(notifications=told or ALL).spec


@pytest.mark.parametrize(
    ("severity", "action", "told"),
    [
        ("info", "notify", ("webhook/default",)),
        ("warning", "notify", BUT_PAGER),
        ("critical", "notify", BUT_PAGER),
        ("warning", "trigger", BUT_PAGER),
        ("critical", "trigger", EVERY),
        ("critical", "resolve", EVERY),
        ("critical", "acknowledge", EVERY),
        ("warning", "resolve", BUT_PAGER),
    ],
)
def test_defaults(severity: Any, action: Any, told: tuple[str, ...]) -> None:
    assert recipients(routes(spec()), severity, action, ()) == told


@pytest.mark.parametrize(
    ("left", "action", "paged"),
    [
        ([alarm()], "resolve", False),
        ([alarm("warning")], "resolve", True),
        ([alarm()], "acknowledge", False),
        ([alarm(contained=True)], "acknowledge", True),
        ([alarm(), alarm(contained=True)], "acknowledge", False),
    ],
)
def test_a_pager_hears_the_end_of_the_last_alarm_only(
    left: list[Alarm], action: Any, *, paged: bool
) -> None:
    told = recipients(routes(spec()), "critical", action, left)
    assert ("pagerDuty/default" in told) is paged
    assert "slack/default" in told


def test_channels_of_other_environments_are_left_out() -> None:
    told = {
        "slack": [
            {**SLACK, "name": "prod", "environments": ["production"]},
            {**SLACK, "name": "dev", "environments": ["development", "staging"]},
            {**SLACK, "name": "all"},
        ]
    }
    found = {
        environment: [
            route.id for route in routes(resource(notifications=told, environment=environment).spec)
        ]
        for environment in ("production", "staging")
    }
    assert found == {
        "production": ["slack/prod", "slack/all"],
        "staging": ["slack/dev", "slack/all"],
    }


def test_without_channels_nobody_is_told() -> None:
    assert routes(resource().spec) == ()
    assert recipients((), "critical", "trigger", ()) == ()


def test_a_pager_can_be_asked_for_warnings() -> None:
    asked = spec(pagerDuty=[{**PAGER, "minSeverity": "warning"}])
    assert recipients(routes(asked), "warning", "trigger", [alarm("warning")]) == (
        "pagerDuty/default",
    )
    assert recipients(routes(asked), "warning", "resolve", [alarm("warning")]) == ()
