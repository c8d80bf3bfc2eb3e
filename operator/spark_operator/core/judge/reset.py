"""Times that must blame nobody, such as maintenance: the judge passes over them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spark_operator.core.judge.state import Block, Checks, Presence, Queries, Step

if TYPE_CHECKING:
    from spark_operator.core.judge.state import JudgeState


def resume(state: JudgeState, now: float) -> JudgeState:
    """Return the state as if nothing had been read since the last look before the gap.

    Evidence from before it stays, what was counted in no block yet is dropped, every pod gives a
    base line first, and the evidence for a `Pass` starts anew. Clocks of absence and of breakers
    start anew too: they may have run on what the gap is about.

    Args:
        state: before, or in, the gap.
        now: Unix seconds; the gap lasts until then at least.
    """
    kept = state.presence
    return replace(
        state,
        at=max(state.at, now),
        candidate=(),
        stable=(),
        forgotten_before=now,
        block=Block(now),
        step=Step(now),
        checks=Checks(now, failed=state.checks.failed),
        queries=Queries(
            now,
            state.queries.working,
            tuple(replace(block, looks=0.0, out=0.0) for block in state.queries.found),
        ),
        presence=Presence(kept.ready_once, restarts=kept.restarts, ooms=kept.ooms),
        breakers=(),
        stable_busy_at=now,
    )


def forgive(state: JudgeState, now: float) -> JudgeState:
    """Return the state with the evidence for a `Pass` begun anew, while stable fails alike.

    Else ten minutes of a provider's outage would keep a good release from passing for an hour.
    The evidence for a `Fail` stays: it compares the two.

    Args:
        state: while the verdict is shared.
        now: Unix seconds; only what is read later counts for a `Pass`.
    """
    return replace(state, step=Step(now))
