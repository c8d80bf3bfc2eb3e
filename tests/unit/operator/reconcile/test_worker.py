"""A resource's task: when it looks again, after success, failure and surprise."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.core.apply.diff import StaleDecisionError
from spark_operator.ports.cluster import ConflictError, Key, RefusedError, UnavailableError
from spark_operator.reconcile import worker
from spark_operator.reconcile.memory import Memory, ReconcileResult
from spark_operator.reconcile.worker import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KEY = Key("production", "spark")
FAR = 1e9


class LoopClock:
    """The event loop's clock."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()


class Script:
    """A reconciler that does what it is told, reconcile by reconcile, and notes when."""

    def __init__(self, *outcomes: Callable[[], ReconcileResult | None]) -> None:
        self.outcomes = list(outcomes)
        self.at: list[float] = []
        self.woken: list[bool] = []
        self.done = asyncio.Event()

    async def reconcile(self, key: Key, memory: Memory, *, woken: bool) -> ReconcileResult | None:
        assert key == KEY
        del memory
        self.at.append(LoopClock().now())
        self.woken.append(woken)
        outcome = self.outcomes.pop(0)
        if not self.outcomes:
            self.done.set()
        return outcome()

    def waits(self) -> list[float]:
        return [round(after - before, 2) for before, after in pairwise(self.at)]


def due(seconds: float, failure: Any = None) -> Callable[[], ReconcileResult]:
    return lambda: ReconcileResult(LoopClock().now() + seconds, Memory(), failure)


def raising(error: Exception) -> Callable[[], ReconcileResult]:
    def act() -> ReconcileResult:
        raise error

    return act


Run = Any


@pytest.fixture
async def run() -> AsyncIterator[Run]:
    started: list[Workers] = []

    async def play(
        *outcomes: Callable[[], ReconcileResult | None],
    ) -> tuple[Script, list[str], Workers]:
        script, said, told = Script(*outcomes), list[str](), asyncio.Event()

        def observe(_key: Key, _seconds: float, outcome: str, _: ReconcileResult | None) -> None:
            said.append(outcome)
            if len(said) == len(outcomes):
                told.set()

        workers = Workers(script, LoopClock(), observe)  # type: ignore[arg-type]
        started.append(workers)
        workers.wake(KEY)
        async with asyncio.timeout(20):
            await told.wait()
        return script, said, workers

    yield play
    for workers in started:
        await workers.stop()


async def test_a_turn_that_is_due_is_taken_then(run: Run) -> None:
    script, said, _ = await run(due(0.0), due(0.2), due(FAR))
    assert said == ["done"] * 3
    first, second = script.waits()
    assert first < second
    assert second >= 0.19
    assert script.woken == [True, False, False]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (UnavailableError("away"), "failed"),
        (RefusedError("quota"), "failed"),
        (ConflictError("changed"), "conflict"),
        (StaleDecisionError("newer"), "conflict"),
        (RuntimeError("a bug"), "failed"),
    ],
)
async def test_failures_are_tried_again_later_and_later(
    run: Run, error: Exception, outcome: str
) -> None:
    script, said, _ = await run(*[raising(error)] * 3, due(FAR))
    assert said == [*[outcome] * 3, "done"]
    for number, wait in enumerate(script.waits()):
        assert wait >= 0.9 * worker.FIRST_DELAY * 2**number


async def test_a_child_that_is_refused_does_not_delay_the_next_look(run: Run) -> None:
    refused = due(0.1, RefusedError("quota"))
    script, said, _ = await run(*[refused] * 6, due(FAR))
    assert said == [*["failed"] * 6, "done"]
    assert sum(script.waits()) < 6 * 0.5


async def test_the_task_of_a_resource_that_is_gone_ends_and_a_new_one_starts(run: Run) -> None:
    script, said, workers = await run(lambda: None)
    assert said == ["gone"]
    script.outcomes, script.done = [due(FAR)], asyncio.Event()
    workers.wake(KEY)
    async with asyncio.timeout(5):
        await script.done.wait()


async def test_a_wake_cuts_the_sleep_short(run: Run) -> None:
    script, _, workers = await run(due(FAR))
    script.outcomes, script.done = [due(FAR)], asyncio.Event()
    workers.wake(KEY)
    async with asyncio.timeout(5):
        await script.done.wait()
    assert script.woken == [True, True]


async def test_many_wakes_are_one_turn_each_while(run: Run) -> None:
    """As while many pods start: every reconcile that is woken reads the whole world."""
    script, _, workers = await run(due(FAR))
    script.outcomes, script.done = [due(FAR)] * 3, asyncio.Event()
    waking = asyncio.create_task(wake_without_end(workers))
    async with asyncio.timeout(5):
        await script.done.wait()
    waking.cancel()
    assert min(script.waits()) >= 0.9 * worker.SPACING


async def wake_without_end(workers: Workers) -> None:
    while True:
        workers.wake(KEY)
        await asyncio.sleep(0)


async def test_a_child_that_is_refused_for_good_is_tried_more_and_more_rarely(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FIRST_DELAY", 0.05)
    monkeypatch.setattr(worker, "LONGEST_DELAY", 0.1)
    refused, away = (due(FAR, error("no")) for error in (RefusedError, UnavailableError))
    script, _, _ = await run(*[refused] * 4, due(FAR))
    assert script.waits()[-1] >= 0.36
    script, _, _ = await run(*[away] * 4, due(FAR))
    assert script.waits()[-1] < 0.3


async def test_metrics_that_fail_end_no_task() -> None:
    script = Script(due(0.0), due(FAR))

    def observe(*_: Any) -> None:
        raise RuntimeError("no such label")

    workers = Workers(script, LoopClock(), observe)  # type: ignore[arg-type]
    workers.wake(KEY)
    async with asyncio.timeout(5):
        await script.done.wait()
    await workers.stop()


async def test_after_stop_nothing_starts(run: Run) -> None:
    script, _, workers = await run(due(FAR))
    await workers.stop()
    workers.wake(KEY)
    await asyncio.sleep(0)
    assert len(script.at) == 1
    assert workers.longest_reconcile() == 0.0
