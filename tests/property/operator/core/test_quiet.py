"""A resource at rest, or waiting, costs next to nothing: few decisions, few writes of status."""

from __future__ import annotations

from tests.property.operator.core.test_histories import Histories, spec
from tests.unit.operator.core.builders import IMAGES

MINUTE = 60


def writes(told: Histories, seconds: int) -> int:
    """How many decisions changed the status while nothing but time passed."""
    count = 0
    for _ in range(seconds):
        before = told.world.text["status"]
        told.settle()
        count += told.world.text["status"] != before
        told.world.pass_time(1.0)
    return count


def test_at_rest_nothing_is_written_and_nothing_is_due() -> None:
    told = Histories()
    told.install(0, 1)
    assert writes(told, MINUTE) == 0
    decision = told.world.draft()
    assert (decision.next_due, decision.watch) == (None, False)


def test_after_a_rollback_too() -> None:
    told = Histories()
    told.install(0, 1)
    told.apply(3, 20)
    assert told.world.status.phase == "RolledBack"
    assert writes(told, MINUTE) == 0
    decision = told.world.draft()
    assert (decision.next_due, decision.watch) == (None, False)


def test_a_trial_writes_its_checkpoint_each_ten_seconds_and_what_is_new() -> None:
    told = Histories()
    told.install(0, 1)
    told.world.apply(image=IMAGES[2], paused=True, **spec(0))
    told.run_for(10)
    assert writes(told, MINUTE) <= 6 + 3


def test_so_does_the_guard() -> None:
    told = Histories()
    told.install(0, 1)
    told.world.apply(**spec(0, "10m"))
    told.apply(2, 60)
    assert told.world.status.phase == "Guarding"
    assert writes(told, MINUTE) <= 6 + 3
