"""What people ask for once: annotations with a token, each consumed once.

``spark.dev/retry: TOKEN`` and its like; ``spark.dev/let-out`` and ``spark.dev/rollback-to`` name a
release in front of the token: ``RELEASE@TOKEN``.  A token may be any text of up to 64 characters; a
request is carried out when its token is not among the consumed ones that status remembers: the last
of each request always, and as many earlier ones as there is room for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.base import GROUP
from spark_operator.api.status.status import MAX_REQUESTS, ConsumedRequest, Override
from spark_operator.core.decide import quarantine
from spark_operator.core.decide.jobs import undo_migration
from spark_operator.core.decide.phases import preparation
from spark_operator.core.decide.phases.progressing import next_step, promote
from spark_operator.core.decide.rollback import roll_back
from spark_operator.core.model.phases import ON_TRIAL, Phase
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
        result = carry_out(draft, target) if len(token) <= MAX_TOKEN else "TokenTooLong"
        entry = ConsumedRequest(name=name, token=token[:MAX_TOKEN], result=result, at=draft.at)
        draft.set(requests=_remembered((entry, *draft.status.requests)))
        who = managed_fields.asked_by(draft.observations.managed, f"{GROUP}/{name}")
        by = f" by {who}" if who else ""
        draft.record(
            "RequestConsumed",
            result,
            f"annotation {GROUP}/{name} with token {token[:MAX_TOKEN]}{by}: {result}",
            warning=result != "Done",
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


def _retry(draft: RolloutDraft, _: str) -> str:
    if draft.status.stable is None and preparation.repeat(draft):
        return "Done"
    failure = draft.status.failure
    if draft.phase is not Phase.ROLLED_BACK or failure is None:
        return "NothingToRetry"
    if quarantine.find(draft.status, failure.release):
        return "ReleaseQuarantined"
    draft.set(failure=None)
    return "Done"


def _let_out(draft: RolloutDraft, release: str) -> str:
    if not any(item.release == release for item in draft.status.quarantine):
        return "NotQuarantined"
    draft.set(quarantine=quarantine.remove(draft.status, release))
    failure = draft.status.failure
    if failure and failure.outcome == "Failed" and draft.phase is Phase.ROLLED_BACK:
        held = quarantine.find(draft.status, failure.release)
        draft.set(failure=failure if held else None)
    return "Done"


def _abort(draft: RolloutDraft, _: str) -> str:
    if draft.phase is Phase.MIGRATING:
        return "MigrationRunning"
    if draft.phase is Phase.PREFLIGHT and draft.status.stable is None:
        return "NothingToReturnTo"
    if draft.phase not in (Phase.PREFLIGHT, *ON_TRIAL, Phase.GUARDING):
        return "NothingToAbort"
    roll_back(draft, "Aborted", "AbortRequested", "a person asked to abort the rollout")
    return "Done"


def _may_advance(draft: RolloutDraft) -> str:
    """Why a person's wish to go on cannot be fulfilled; empty when it can."""
    if draft.phase not in (Phase.PROGRESSING, Phase.PAUSED) or draft.status.candidate is None:
        return "NothingOnTrial"
    if quarantine.find(draft.status, draft.status.candidate.release, draft.candidate.digest):
        return "ReleaseQuarantined"
    if draft.status.step is None or draft.status.step.observed_since is None:
        return "CandidateNotReady"
    return ""


def _approve(draft: RolloutDraft, _: str) -> str:
    refusal = _may_advance(draft)
    if refusal or draft.status.step is None:
        return refusal
    draft.set(step=draft.status.step.model_copy(update={"approved": True}))
    return "Done"


def _skip(draft: RolloutDraft, _: str) -> str:
    refusal = _may_advance(draft)
    if refusal:
        return refusal
    next_step(draft, "a person asked to skip the step", reason="SkipRequested")
    return "Done"


def _promote(draft: RolloutDraft, _: str) -> str:
    refusal = _may_advance(draft)
    if refusal:
        return refusal
    promote(draft, "a person asked to promote now", reason="PromoteRequested")
    return "Done"


def _pause(draft: RolloutDraft, _: str) -> str:
    if draft.phase not in ON_TRIAL:
        return "NothingOnTrial"
    draft.set(held=True)
    return "Done"


def _resume(draft: RolloutDraft, _: str) -> str:
    if not draft.status.held:
        return "NotHeld"
    draft.set(held=False)
    return "Done"


def _rollback_to(draft: RolloutDraft, release: str) -> str:
    """Run an older release although the spec names another, until the spec changes."""
    if release not in draft.observations.revisions:
        return "UnknownRelease"
    if quarantine.find(draft.status, release):
        return "ReleaseQuarantined"
    spec_release = Release.of(draft.spec).name
    if release == spec_release:
        draft.set(override=None)
        return "Done"
    draft.set(override=Override(release=release, instead_of=spec_release))
    draft.desired = draft.observations.revisions[release]
    return "Done"


def _undo_migration(draft: RolloutDraft, version: str) -> str:
    """Bring the schema back after a rollback, where the release that migrated it allows that."""
    if draft.phase not in (Phase.STABLE, Phase.ROLLED_BACK):
        return "RolloutInProgress"
    return undo_migration.on_request(draft, version)


_REQUESTS: Final[dict[str, Callable[[RolloutDraft, str], str]]] = {
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
