"""A provider that is down: its breaker is open on every pod, whatever release the pod runs.

Seen from the judge's readings while something is on trial, and from the diagnosis' rounds at rest.
It is nobody's fault here, and rolls nothing back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spark_operator.core.decide.signals import maintenance
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.reasons import ConditionReason, DecisionReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spark_operator.api.status.status import Condition
    from spark_operator.core.decide.draft import RolloutDraft

REASON: Final = ConditionReason.PROVIDER_DOWN
STATE: Final = "spark_circuit_breaker_state"
FRESH_SECONDS: Final = 5.0
AGAIN: Final = timedelta(minutes=10)
"""One that comes and goes is entered in the ledger once in this time."""
CLOSED, OPEN = "closed", "open"


def message(draft: RolloutDraft) -> str:
    """Which providers are down, in a sentence; empty where none is, or none is known to be.

    Half-open says neither: it keeps a breaker open that was, and opens none. Between two looks what
    was known stays.
    """
    if maintenance.blind(draft) or not draft.stable.live:
        return ""
    before = _condition(draft)
    known = before.message if before is not None else ""
    states = list(_states(draft))
    if not states:
        return known
    down = [
        f"{provider} (on all of {len(found)} pods)"
        for provider in sorted({provider for provider, _ in states})
        if (found := [state for name, state in states if name == provider])
        and CLOSED not in found
        and (OPEN in found or f"{provider} (" in known)
    ]
    if not down:
        return ""
    others = {name for name, state in states if state == CLOSED} & _configured(draft)
    then = (
        f"the service asks {', '.join(sorted(others))} instead"
        if others
        else "no provider is left, and users get errors"
    )
    return f"the breaker of {', '.join(down)} is open: {then}"


def notice(draft: RolloutDraft) -> None:
    """Enter in the ledger that a provider is down."""
    said = message(draft)
    if not said or _condition(draft) is not None:
        return
    last = next(
        (item.at for item in draft.status.ledger if item.decision == LedgerDecision.PROVIDER_DOWN),
        None,
    )
    if last is None or draft.at - last >= AGAIN:
        draft.record(LedgerDecision.PROVIDER_DOWN, DecisionReason.BREAKER_OPEN, said, warning=True)


def _configured(draft: RolloutDraft) -> set[str]:
    """Providers with a key: the service shows the breaker of one without as closed."""
    secrets = draft.spec.secrets
    keys = {"claude": secrets.anthropic_api_key, "openai": secrets.openai_api_key}
    return {provider for provider, key in keys.items() if key is not None}


def _condition(draft: RolloutDraft) -> Condition | None:
    """The condition that says so, as it stood before this decision."""
    return next((item for item in draft.status.conditions if item.reason == REASON), None)


def _states(draft: RolloutDraft) -> Iterator[tuple[str, str]]:
    """Provider and state of every breaker that was read for this decision."""
    tick = draft.observations.tick
    if tick is not None:
        for sample in (*tick.candidate, *tick.stable):
            yield from (sample.values.breakers or ()) if sample.values else ()
        return
    rounds = draft.observations.rounds
    if not rounds or draft.now - rounds[-1].at > FRESH_SECONDS:
        return
    for pod in rounds[-1].pods:
        for item in pod.vitals or ():
            if item.name == STATE and item.value == 1:
                yield item.labels.get("provider", ""), item.labels.get("state", "")
