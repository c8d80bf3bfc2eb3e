"""Bugs planted into what the operator does with alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spark_operator.adapters.alerts.inbox import Inbox
from spark_operator.core.decide.phases import progressing
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.signals import alerts
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import DecisionReason
from tests.simulation.planted.planting import Planted

if TYPE_CHECKING:
    import pytest

WAITS_SECONDS: Final = 6.0


def _answered_at_once(patch: pytest.MonkeyPatch) -> None:
    offer = Inbox.offer

    def hasty(self: Inbox, *given: Any) -> Any:
        future = offer(self, *given)
        if not future.done():
            future.set_result("Held")
        return future

    patch.setattr(Inbox, "offer", hasty)


def _acts_again(patch: pytest.MonkeyPatch) -> None:
    about = alerts._is_about

    def ageless(draft: Any, item: Any) -> bool:
        return about(draft, item.model_copy(update={"starts_at": draft.at}))

    patch.setattr(alerts, "_is_about", ageless)


def _promotes(patch: pytest.MonkeyPatch) -> None:
    resolve = alerts._resolve

    def relieved(draft: Any, item: Any) -> Any:
        if draft.phase is Phase.PROGRESSING:
            progressing.promote(draft, "the alert is over", DecisionReason.PASSED)
        return resolve(draft, item)

    patch.setattr(alerts, "_resolve", relieved)


def _waits(patch: pytest.MonkeyPatch) -> None:
    act = alerts.act_on_alerts

    def slow(draft: Any) -> Progress:
        fresh = any(
            (draft.at - it.at).total_seconds() < WAITS_SECONDS for it in draft.status.alerts
        )
        return Progress.DONE if fresh else act(draft)

    patch.setattr(alerts, "act_on_alerts", slow)


PLANTED_ALERTS: Final = (
    Planted("answered before it is stored", _answered_at_once, "alert", "alerts-are-answered"),
    Planted("an alert acts again", _acts_again, "alert-again", "alerts-act-once"),
    Planted("an alert waits", _waits, "alert", "alerts-cut-in-time"),
    Planted(
        "an alert that is over promotes",
        _promotes,
        "alert-about-the-service",
        "steps-follow-the-plan",
    ),
)
