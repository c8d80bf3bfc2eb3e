"""The status of a resource that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.fields import format_time, to_time
from spark_operator.core.model.reasons import ConditionReason

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest

MAX_MESSAGE: Final = 1024


def invalid_status(resource: Manifest, message: str, now: float) -> dict[str, Any]:
    """Return the stored status with ``Accepted`` False and ``Stalled`` True; the rest is kept.

    Works on plain JSON, because the resource does not fit the models.  Children are left as they
    are: what ran goes on running.
    """
    status = dict(resource.get("status") or {})
    generation = int(resource["metadata"].get("generation", 0))
    before = {item.get("type"): item for item in status.get("conditions") or []}
    after = dict(before)
    for kind, value in (
        ("Accepted", "False"),
        ("Stalled", "True"),
        ("Reconciling", "False"),
        ("Ready", "False"),
    ):
        old = before.get(kind) or {}
        same = old.get("status") == value
        after[kind] = {
            "type": kind,
            "status": value,
            "reason": ConditionReason.INVALID_RESOURCE.value,
            "message": message[:MAX_MESSAGE],
            "observedGeneration": generation,
            "lastTransitionTime": old["lastTransitionTime"]
            if same
            else format_time(to_time(float(int(now)))),
        }
    return status | {"observedGeneration": generation, "conditions": list(after.values())}
