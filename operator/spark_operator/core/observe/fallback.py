"""A resource of which not everything can be read: what stays in force, and what still stops.

The API server accepts what this operator's models refuse when the schema is another version's, or
when a rule of the models is stricter than the schema.  What runs is watched on all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from spark_operator.api.resource import InvalidResourceError, SparkDeployment, parse
from spark_operator.api.spec import MAX_REVOKED, KeyId
from spark_operator.api.status.status import SparkDeploymentStatus
from spark_operator.core.model import accepted_spec
from spark_operator.core.model.release import Release

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest

_KEY_ID: Final[TypeAdapter[str]] = TypeAdapter(KeyId)
MOST_DROPPED: Final = 64
"""Records of status that are dropped at most, before the status counts as unreadable."""
RELEASE_MEMBERS: Final = ("image", "config", "appURL", "environment", "migrations", "pod")
"""Members of the spec that name a release: a revert to the stable one is a person's stop."""
KEPT: Final = frozenset(
    {"phase", "weight", "epoch", "stable", "candidate", "previous", "quarantine"}
)
"""Members of status that decide what runs: they are never dropped as mere records."""


class Readable(NamedTuple):
    """A resource as far as it can be read.

    Attributes:
        resource: with the spec that is in force.
        invalid: why that is not the spec as it stands; empty: it is.
        dropped: records of status that were left out, as paths.
    """

    resource: SparkDeployment
    invalid: str = ""
    dropped: tuple[str, ...] = ()


def read(body: Manifest) -> Readable:
    """Read a resource; where its spec is invalid, with the last valid one and a person's stops.

    Raises:
        InvalidResourceError: there is no valid spec to fall back on, or status cannot be read.
    """
    try:
        return Readable(parse(body))
    except InvalidResourceError as error:
        reason = str(error)
    status, dropped = _without_unreadable(body.get("status") or {})
    body = {**body, "status": status}
    try:
        return Readable(parse(body), dropped=dropped)
    except InvalidResourceError:
        spec = _in_force(body)
        if spec is None:
            raise
        return Readable(parse({**body, "spec": spec}), reason, dropped)


def _without_unreadable(status: Manifest) -> tuple[Manifest, tuple[str, ...]]:
    """Return the status without the records that the models refuse, and the paths of these."""
    dropped: list[str] = []
    while len(dropped) < MOST_DROPPED:
        try:
            SparkDeploymentStatus.model_validate(status)
        except ValidationError as error:
            path = error.errors()[0]["loc"]
            if not path or path[0] in KEPT:
                return _safe_phase(status, dropped)
            dropped.append(".".join(map(str, path)))
            status = _without(status, path)
        else:
            break
    return status, tuple(dropped)


def _safe_phase(status: Manifest, dropped: list[str]) -> tuple[Manifest, tuple[str, ...]]:
    """Take an unknown phase for the safe one: traffic on stable, and the spec looked at anew."""
    safe = "RollingBack" if status.get("candidate") and status.get("stable") else "Pending"
    weight = {"desired": 0, "actual": 0} if safe == "RollingBack" else status.get("weight")
    changed = {**status, "phase": safe} | ({"weight": weight} if weight else {})
    return changed, (*dropped, f"phase {status.get('phase')!r}")


def _without(status: Manifest, path: tuple[int | str, ...]) -> Manifest:
    """Return the status without the record of a path: an item of a list, or a whole member."""
    name = str(path[0])
    value = status.get(name)
    if isinstance(value, list) and len(path) > 1 and isinstance(path[1], int):
        kept = [item for number, item in enumerate(value) if number != path[1]]
        return {**status, name: kept}
    return {key: item for key, item in status.items() if key != name}


def _in_force(body: Manifest) -> Manifest | None:
    """Return the last valid spec with what a person asks to stop; None where none was kept."""
    status = body.get("status") or {}
    last = accepted_spec.decode(str(status.get("acceptedSpec") or ""))
    if last is None:
        return None
    asked = body.get("spec")
    return _with_stops(last, asked if isinstance(asked, dict) else {}, body)


def _with_stops(last: Manifest, asked: Manifest, body: Manifest) -> Manifest:
    spec = dict(last)
    for name in ("isolated", "paused"):
        if asked.get(name) is True:
            spec[name] = True
    named = [*(spec.get("revokedKeys") or ()), *filter(_is_key_id, asked.get("revokedKeys") or ())]
    if named:
        spec["revokedKeys"] = list(dict.fromkeys(named))[:MAX_REVOKED]
    other = {name: value for name, value in spec.items() if name not in RELEASE_MEMBERS}
    reverted: Manifest = other | {name: asked[name] for name in RELEASE_MEMBERS if name in asked}
    return reverted if _returns(body, reverted) else spec


def _is_key_id(value: Any) -> bool:
    try:
        _KEY_ID.validate_python(value)
    except ValidationError:
        return False
    return True


def _returns(body: Manifest, spec: Manifest) -> bool:
    """Whether a spec names a release that is stable, or was it before the one under guard."""
    try:
        name = Release.of(parse({**body, "spec": spec}).spec).name
    except InvalidResourceError:
        return False
    status: dict[str, Any] = body.get("status") or {}
    roles = (status.get("stable") or {}, status.get("previous") or {})
    return name in {role.get("release") for role in roles}
