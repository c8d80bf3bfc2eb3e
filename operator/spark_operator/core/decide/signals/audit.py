"""Who changed what in the resource, from its managed fields: paths and names, never a value.

``metadata.managedFields`` says who owns which field since when; who applied a whole manifest owns
all of it. What really changed is known from ``status.audited``, which keeps a hash of each member
of the spec. Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.objects import digest
from spark_operator.core.model.reasons import DecisionReason
from spark_operator.core.observe.managed_fields import DIGITS, Owner, owners

if TYPE_CHECKING:
    from spark_operator.api.spec import SparkDeploymentSpec
    from spark_operator.core.decide.draft import RolloutDraft

MAX_PATHS: Final = 10
MAX_MANAGERS: Final = 4
MAX_MARKS: Final = 8


class Audited(NamedTuple):
    """What was audited last.

    Attributes:
        time: when somebody last wrote, seconds since the epoch.
        marks: of those who wrote in that second.
        members: a hash of each member of the spec.
    """

    time: float
    marks: frozenset[str]
    members: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> Audited:
        """Read ``status.audited``; what cannot be read says nothing."""
        time, marks, members = (*text.split(";"), "", "", "")[:3]
        pairs = (item.partition("=") for item in members.split(",") if item)
        return cls(
            float(time) if time.isdecimal() else 0.0,
            frozenset(marks.split(",")),
            {key: value for key, _, value in pairs},
        )

    def __str__(self) -> str:
        """The text of ``status.audited``."""
        members = ",".join(f"{key}={self.members[key]}" for key in sorted(self.members))
        return f"{self.time:.0f};{','.join(sorted(self.marks)[:MAX_MARKS])};{members}"


def notice(draft: RolloutDraft) -> None:
    """Enter in the ledger who changed which fields of the spec since it was last looked at."""
    before = draft.resource.status
    if before.audited and before.observed_generation == draft.resource.metadata.generation:
        return
    found = owners(draft.observations.managed)
    latest = max((owner.time for owner in found), default=0.0)
    marks = frozenset(owner.mark for owner in found if owner.time == latest)
    now = Audited(latest, marks, _members(draft.spec))
    draft.set(audited=str(now))
    if not before.audited:
        return
    last = Audited.parse(before.audited)
    names = {*now.members, *last.members}
    changed = sorted(name for name in names if now.members.get(name) != last.members.get(name))
    involved = _involved(found, changed, last)
    if not changed or _is_scaling(changed, involved):
        return
    told = [f"by {owner.manager}: {_list(_touched(owner, changed))}" for owner in involved]
    message = "; ".join(told) or f"by somebody: {_list([f'spec.{name}' for name in changed])}"
    draft.record(LedgerDecision.SPEC_CHANGED, DecisionReason.EDITED, message)


def _members(spec: SparkDeploymentSpec) -> dict[str, str]:
    """A hash of each member; one at its default is left out, so a new default changes nothing."""
    values = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {name: digest(value, DIGITS) for name, value in values.items()}


def _involved(found: tuple[Owner, ...], changed: list[str], before: Audited) -> list[Owner]:
    """Who wrote since then and owns what changed; else whoever wrote last, who took it out."""
    since = [owner for owner in found if owner.time >= before.time]
    later = [o for o in since if o.time > before.time or o.mark not in before.marks] or since
    owning = [owner for owner in later if _owned(owner, changed)]
    last = sorted(later, key=lambda owner: owner.time)[-1:]
    return (owning or last)[:MAX_MANAGERS]


def _is_scaling(changed: list[str], involved: list[Owner]) -> bool:
    """Whether only /scale was used, of which an API server keeps a record, or none at all."""
    editors = [owner for owner in involved if owner.subresource != "scale"]
    return changed == ["replicas"] and not any(_owned(owner, changed) for owner in editors)


def _touched(owner: Owner, changed: list[str]) -> list[str]:
    return _owned(owner, changed) or [f"spec.{name}" for name in changed]


def _owned(owner: Owner, changed: list[str]) -> list[str]:
    """The paths below changed members; a member that is taken out is nobody's any more."""
    return [path for path in owner.paths if _member(path) in changed]


def _member(path: str) -> str:
    root, _, rest = path.partition(".")
    return rest.partition(".")[0].removesuffix("[]") if root == "spec" else ""


def _list(paths: list[str]) -> str:
    more = f" and {len(paths) - MAX_PATHS} more" if len(paths) > MAX_PATHS else ""
    return ", ".join(paths[:MAX_PATHS]) + more
