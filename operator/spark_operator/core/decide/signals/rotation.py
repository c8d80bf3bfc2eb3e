"""Credentials that changed under running pods: who must be restarted for it, and who need not.

The count of restarts stands in the pod templates from 1 on, so that a change of it restarts pods,
one at a time, and the first sight of a Secret restarts none.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spark_operator.api.secrets import Secrets
from spark_operator.core.decide.progress import Progress
from spark_operator.core.model.credentials import DIGITS, FIELDS, MOST, NONE, UNKNOWN, Revision
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.reasons import DecisionReason
from spark_operator.core.model.release import takes_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.api.references import SecretKeyRef
    from spark_operator.api.spec import SparkDeploymentSpec
    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.observe.secret_metadata import SecretData

VERIFICATION: Final = "verification"
LIVE: Final = frozenset({"api_keys"})
"""Fields that running pods take up by themselves, where their template mounts them."""
APART: Final = timedelta(seconds=10)
"""Shortest time between two restarts: Secrets that are written one after another share one."""
TAKEN_UP: Final = DecisionReason.TAKEN_UP_LIVE


def names(spec: SparkDeploymentSpec) -> frozenset[str]:
    """The Secrets that pods are given keys of."""
    return frozenset(reference.name for reference in _references(spec).values())


def notice(draft: RolloutDraft) -> None:
    """Decide what a change of the credentials means, and record what pods are given."""
    known, before = draft.observations.secrets, Revision.parse(draft.status.secrets_revision)
    if before is None:
        carried = max((work.rotations for work in draft.observations.workloads.values()), default=0)
        if known is not None or carried:
            tokens = _tokens(draft.spec, known or {})
            draft.set(secrets_revision=str(Revision(min(carried, MOST), tokens)))
        return
    if known is None:
        return
    tokens = _tokens(draft.spec, known)
    # A Secret that is gone is no other one: pods keep what they have until it is back.
    tokens |= {field: before.tokens[field] for field in FIELDS if tokens[field] == UNKNOWN}
    changed = [f for f in FIELDS if before.tokens[f] not in (tokens[f], UNKNOWN)]
    restart = [field for field in changed if field not in LIVE or not _all_take_up(draft)]
    if restart and _keep_apart(draft) is Progress.WAIT:
        return
    number = before.rotations % MOST + 1 if restart else before.rotations
    draft.set(secrets_revision=str(Revision(number, tokens)))
    if restart:
        _tell(draft, restart, _why(draft), "every pod is replaced, one at a time, before it ends")
    live = [field for field in changed if field not in restart]
    if live:
        _tell(draft, live, TAKEN_UP, "running pods take it up within seconds, without a restart")


def _references(spec: SparkDeploymentSpec) -> dict[str, SecretKeyRef]:
    found: dict[str, SecretKeyRef | None] = {
        field: getattr(spec.secrets, field) for field in type(spec.secrets).model_fields
    }
    found[VERIFICATION] = spec.verification.api_key
    return {field: reference for field, reference in found.items() if reference is not None}


def _tokens(spec: SparkDeploymentSpec, known: Mapping[str, SecretData]) -> dict[str, str]:
    tokens = dict.fromkeys(FIELDS, NONE)
    for field, reference in _references(spec).items():
        data = known.get(reference.name)
        if data is None:
            tokens[field] = UNKNOWN
            continue
        text = f"{reference.name}/{reference.key}@{data.stamp(reference.key)}"
        tokens[field] = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
    return tokens


def _all_take_up(draft: RolloutDraft) -> bool:
    """Whether every release with pods mounts what is live; older operators' releases do not."""
    roles = (draft.status.stable, draft.status.candidate, draft.status.previous)
    releases = [draft.observations.revisions.get(role.release) for role in roles if role]
    kept = [release.template for release in releases if release is not None]
    return all(template is None or takes_up(template) for template in kept)


def _keep_apart(draft: RolloutDraft) -> Progress:
    """Wait where pods were replaced only just now."""
    for entry in draft.status.ledger:
        if entry.decision == LedgerDecision.SECRETS_ROTATED and entry.reason != TAKEN_UP:
            again = entry.at + APART
            if draft.at < again:
                draft.requeue_at(again.timestamp())
                return Progress.WAIT
            return Progress.DONE
    return Progress.DONE


def _why(draft: RolloutDraft) -> DecisionReason:
    if draft.resource.status.observed_generation != draft.resource.metadata.generation:
        return DecisionReason.REFERENCE_CHANGED
    return DecisionReason.CONTENT_CHANGED


def _tell(draft: RolloutDraft, fields: list[str], reason: DecisionReason, then: str) -> None:
    references = _references(draft.spec)
    secrets = sorted({references[field].name for field in fields if field in references})
    named = f"Secret {', '.join(secrets)}" if secrets else "a Secret is referred to no more"
    paths = ", ".join(map(_path, fields))
    draft.record(LedgerDecision.SECRETS_ROTATED, reason, f"{named} ({paths}): {then}")


def _path(field: str) -> str:
    if field == VERIFICATION:
        return "verification.apiKey"
    return f"secrets.{Secrets.model_fields[field].alias}"
