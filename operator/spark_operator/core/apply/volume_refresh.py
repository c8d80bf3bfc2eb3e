"""Which pods are to look at their mounted files now.

The kubelet refreshes a pod's volumes when it syncs the pod: about once a minute by itself, and at
once when an annotation changes. So what changed is named in annotations of the pods themselves,
never of the template, which would restart them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spark_operator.core.model.labels import KEYS_ANNOTATION, LIVE_ANNOTATION, LIVE_SUFFIX, MANAGER
from spark_operator.core.model.objects import digest, is_owned_by, timestamp
from spark_operator.core.model.release import VOLUME
from spark_operator.core.render.live import KEYS_VOLUME, live

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.observe.secret_metadata import SecretData
    from spark_operator.core.observe.snapshot import Snapshot

DIGITS: Final = 12
MARGIN_SECONDS: Final = 5.0
"""A pod made this long after a change has mounted what was changed."""


@dataclass(frozen=True, slots=True)
class Touch:
    """Annotations that one pod is to be given."""

    pod: str
    annotations: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Content:
    """What a volume holds: names it, and says how old it is, in seconds since the epoch."""

    annotation: str
    volume: str
    value: str
    created: float
    changed: float

    def is_known_to(self, pod: Manifest) -> bool:
        """Whether a pod has it, was told of it, or never had anything else."""
        if not any(item["name"] == self.volume for item in pod["spec"].get("volumes") or ()):
            return True
        told = (pod["metadata"].get("annotations") or {}).get(self.annotation)
        if told is not None:
            return bool(told == self.value)
        made = timestamp(pod["metadata"].get("creationTimestamp"))
        return self.changed <= self.created or made > self.changed + MARGIN_SECONDS


def touches(
    resource: SparkDeployment, snapshot: Snapshot, secrets: Mapping[str, SecretData] | None
) -> list[Touch]:
    """The pods to be touched, of all releases.

    Nothing is touched for live files before they are stored as they shall be: a pod that is told
    too early would not be told again.

    Args:
        resource: the resource with the status that is stored.
        snapshot: what was seen.
        secrets: what is known of the Secrets it refers to; None: nothing yet.
    """
    contents = [item for item in (_files(resource, snapshot), _keys(resource, secrets)) if item]
    found = []
    for pod in snapshot.pods:
        if "deletionTimestamp" in pod["metadata"] or "spec" not in pod:
            continue
        new = tuple((i.annotation, i.value) for i in contents if not i.is_known_to(pod))
        if new:
            found.append(Touch(pod["metadata"]["name"], new))
    return found


def _files(resource: SparkDeployment, snapshot: Snapshot) -> _Content | None:
    wanted, name = live(resource), resource.metadata.name + LIVE_SUFFIX
    for item in snapshot.children:
        meta = item["metadata"]
        if item["kind"] != "ConfigMap" or meta["name"] != name:
            continue
        if item.get("data") != wanted or not is_owned_by(item, resource.metadata.uid):
            return None
        return _Content(
            annotation=LIVE_ANNOTATION,
            volume=VOLUME,
            value=digest(wanted, DIGITS),
            created=timestamp(meta.get("creationTimestamp")),
            changed=_written_at(meta),
        )
    return None


def _written_at(meta: Manifest) -> float:
    """When we last changed an object, 0 where nobody knows."""
    ours = (item for item in meta.get("managedFields") or () if item.get("manager") == MANAGER)
    return max((timestamp(item.get("time")) for item in ours), default=0.0)


def _keys(resource: SparkDeployment, secrets: Mapping[str, SecretData] | None) -> _Content | None:
    reference = resource.spec.secrets.api_keys
    if reference is None or not secrets or reference.name not in secrets:
        return None
    data = secrets[reference.name]
    return _Content(
        annotation=KEYS_ANNOTATION,
        volume=KEYS_VOLUME,
        value=data.stamp(reference.key),
        created=timestamp(data.created),
        changed=data.changed_at(reference.key),
    )
