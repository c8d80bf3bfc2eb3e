"""What people ask for once: annotations with a token, each consumed once.

``spark.dev/retry: TOKEN`` and its like; ``spark.dev/let-out`` and ``spark.dev/rollback-to`` name a
release in front of the token: ``RELEASE@TOKEN``.  A token may be any text of up to 64 characters; a
request is carried out when its token is not among the consumed ones that status remembers: the last
of each request always, and as many earlier ones as there is room for.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from spark_operator.api.base import GROUP
from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.api.status.status import MAX_REQUESTS, ConsumedRequest, Override
from spark_operator.core.decide import quarantine
from spark_operator.core.decide.containment import contain
from spark_operator.core.decide.jobs import undo_migration
from spark_operator.core.decide.phases import preparation
from spark_operator.core.decide.phases.progressing import next_step, promote
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.rollback import roll_back
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.phases import ON_TRIAL, Phase
from spark_operator.core.model.reasons import DecisionReason, RequestResult
from spark_operator.core.model.release import Release
from spark_operator.core.observe import managed_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.decide.draft import RolloutDraft

MAX_TOKEN: Final = 64


def consume(draft: RolloutDraft) -> None:
    """Carry out every request that was not consumed yet, and record what came of it."""
    for name, carry_out in _REQUESTS.items():
        text = draft.resource.metadata.annotations.get(f"{GROUP}/{name}", "")
        target, _, token = text.rpartition("@")
        if not token or _is_consumed(draft, name, token):
            continue
        result = RequestResult.TOKEN_TOO_LONG
        if len(token) <= MAX_TOKEN:
            asked = partial(carry_out, target=target)
            result = contain(draft, f"request {name}", asked, RequestResult.INTERNAL_ERROR)
        record = partial(_record, name=name, token=token[:MAX_TOKEN], result=result)
        contain(draft, f"record of request {name}", record, None)


def _record(draft: RolloutDraft, *, name: str, token: str, result: RequestResult) -> None:
    """Remember a request, so that it is carried out once, and tell what came of it."""
    entry = ConsumedRequest(name=name, token=token, result=result, at=draft.at)
    draft.set(requests=_remembered((entry, *draft.status.requests)))
    who = managed_fields.asked_by(draft.observations.managed, f"{GROUP}/{name}")
    by = f" by {who}" if who else ""
    draft.record(
        LedgerDecision.REQUEST_CONSUMED,
        result,
        f"annotation {GROUP}/{name} with token {token}{by}: {result}",
        warning=result is not RequestResult.DONE,
    )


def _remembered(requests: tuple[ConsumedRequest, ...]) -> tuple[ConsumedRequest, ...]:
    """The newest ``MAX_REQUESTS``, and the last of each name, whose annotation may still stand."""
    last = {item.name: item for item in reversed(requests)}
    kept = [item for item in requests if item is last[item.name]]
    older = [item for item in requests if item is not last[item.name]]
    chosen = {id(item) for item in (*kept, *older[: MAX_REQUESTS - len(kept)])}
    return tuple(item for item in requests if id(item) in chosen)


def _is_consumed(draft: RolloutDraft, name: str, token: str) -> bool:
    return any(
        item.name == name and item.token == token[:MAX_TOKEN] for item in draft.status.requests
    )


def _retry(draft: RolloutDraft, target: str) -> RequestResult:
    del target
    if draft.status.stable is None and preparation.repeat(draft) is Progress.WAIT:
        return RequestResult.DONE
    failure = draft.status.failure
    if draft.phase is not Phase.ROLLED_BACK or failure is None:
        return RequestResult.NOTHING_TO_RETRY
    if quarantine.find(draft.status, failure.release):
        return RequestResult.RELEASE_QUARANTINED
    draft.set(failure=None)
    return RequestResult.DONE


def _let_out(draft: RolloutDraft, target: str) -> RequestResult:
    if not any(item.release == target for item in draft.status.quarantine):
        return RequestResult.NOT_QUARANTINED
    draft.set(quarantine=quarantine.remove(draft.status, target))
    failure = draft.status.failure
    if failure and failure.outcome == RolloutOutcome.FAILED and draft.phase is Phase.ROLLED_BACK:
        held = quarantine.find(draft.status, failure.release)
        draft.set(failure=failure if held else None)
    return RequestResult.DONE


def _abort(draft: RolloutDraft, target: str) -> RequestResult:
    del target
    if draft.phase is Phase.MIGRATING:
        return RequestResult.MIGRATION_RUNNING
    if draft.phase is Phase.PREFLIGHT and draft.status.stable is None:
        return RequestResult.NOTHING_TO_RETURN_TO
    if draft.phase not in (Phase.PREFLIGHT, *ON_TRIAL, Phase.GUARDING):
        return RequestResult.NOTHING_TO_ABORT
    roll_back(
        draft,
        RolloutOutcome.ABORTED,
        DecisionReason.ABORT_REQUESTED,
        "a person asked to abort the rollout",
    )
    return RequestResult.DONE


def _refusal(draft: RolloutDraft) -> RequestResult | None:
    """Return why a person's wish to go on cannot be fulfilled; None when it can."""
    if draft.phase not in (Phase.PROGRESSING, Phase.PAUSED) or draft.status.candidate is None:
        return RequestResult.NOTHING_ON_TRIAL
    if quarantine.find(draft.status, draft.status.candidate.release, draft.candidate.digest):
        return RequestResult.RELEASE_QUARANTINED
    if draft.status.step is None or draft.status.step.observed_since is None:
        return RequestResult.CANDIDATE_NOT_READY
    return None


def _approve(draft: RolloutDraft, target: str) -> RequestResult:
    del target
    refusal = _refusal(draft)
    if refusal:
        return refusal
    if draft.status.step is None:
        return RequestResult.CANDIDATE_NOT_READY
    draft.set(step=draft.status.step.model_copy(update={"approved": True}))
    return RequestResult.DONE


def _skip(draft: RolloutDraft, target: str) -> RequestResult:
    del target
    refusal = _refusal(draft)
    if refusal:
        return refusal
    next_step(draft, "a person asked to skip the step", reason=DecisionReason.SKIP_REQUESTED)
    return RequestResult.DONE


def _promote(draft: RolloutDraft, target: str) -> RequestResult:
    del target
    refusal = _refusal(draft)
    if refusal:
        return refusal
    promote(draft, "a person asked to promote now", reason=DecisionReason.PROMOTE_REQUESTED)
    return RequestResult.DONE


def _pause(draft: RolloutDraft, target: str) -> RequestResult:
    del target
    if draft.phase not in ON_TRIAL:
        return RequestResult.NOTHING_ON_TRIAL
    draft.set(held=True)
    return RequestResult.DONE


def _resume(draft: RolloutDraft, target: str) -> RequestResult:
    del target
    if not draft.status.held:
        return RequestResult.NOT_HELD
    draft.set(held=False)
    return RequestResult.DONE


def _rollback_to(draft: RolloutDraft, target: str) -> RequestResult:
    """Run an older target although the spec names another, until the spec changes."""
    if target not in draft.observations.revisions:
        return RequestResult.UNKNOWN_RELEASE
    if quarantine.find(draft.status, target):
        return RequestResult.RELEASE_QUARANTINED
    spec_release = Release.of(draft.spec).name
    if target == spec_release:
        draft.set(override=None)
        return RequestResult.DONE
    draft.set(override=Override(release=target, instead_of=spec_release))
    draft.desired = draft.observations.revisions[target]
    return RequestResult.DONE


def _undo_migration(draft: RolloutDraft, target: str) -> RequestResult:
    """Bring the schema back after a rollback, where the release that migrated it allows that."""
    if draft.phase not in (Phase.STABLE, Phase.ROLLED_BACK):
        return RequestResult.ROLLOUT_IN_PROGRESS
    return undo_migration.on_request(draft, target)


_REQUESTS: Final[dict[str, Callable[..., RequestResult]]] = {
    "abort": _abort,
    "let-out": _let_out,
    "retry": _retry,
    "undo-migration": _undo_migration,
    "rollback-to": _rollback_to,
    "pause": _pause,
    "resume": _resume,
    "approve": _approve,
    "skip": _skip,
    "promote": _promote,
}
"""In the order in which several at once are carried out: what stops comes first."""
