"""Kubernetes objects as JSON values: identity, ownership, and where the API serves them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from spark_operator.api.fields import parse_time
from spark_operator.core.model.labels import EPOCH_ANNOTATION

if TYPE_CHECKING:
    from datetime import datetime


class Ref(NamedTuple):
    """The identity of an object inside its namespace."""

    kind: str
    name: str


class ChildKind(NamedTuple):
    """Where the API serves a kind."""

    api_version: str
    plural: str

    def path(self, namespace: str, name: str = "") -> str:
        """URL path of the collection, or of one object in it."""
        root = "/api/v1" if self.api_version == "v1" else f"/apis/{self.api_version}"
        collection = f"{root}/namespaces/{namespace}/{self.plural}"
        return f"{collection}/{name}" if name else collection


CHILD_KINDS: Final[dict[str, ChildKind]] = {
    "Service": ChildKind("v1", "services"),
    "ServiceAccount": ChildKind("v1", "serviceaccounts"),
    "ConfigMap": ChildKind("v1", "configmaps"),
    "Deployment": ChildKind("apps/v1", "deployments"),
    "ControllerRevision": ChildKind("apps/v1", "controllerrevisions"),
    "NetworkPolicy": ChildKind("networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": ChildKind("policy/v1", "poddisruptionbudgets"),
    "Job": ChildKind("batch/v1", "jobs"),
}
"""Kinds the operator makes."""
POD: Final = ChildKind("v1", "pods")


KEYED: Final = {
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""Lists that admission webhooks add entries to, by the member that tells these apart."""
SELECTORS: Final = frozenset({"selector", "podSelector", "labelSelector"})
"""Members that the API replaces as a whole: one label more selects other pods."""


def ref(manifest: Manifest) -> Ref:
    """The identity of an object."""
    return Ref(manifest["kind"], manifest["metadata"]["name"])


def is_owned_by(manifest: Manifest, uid: str) -> bool:
    """Whether the resource with this UID is the object's controller."""
    owners = manifest["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == uid and owner.get("controller") for owner in owners)


def epoch(manifest: Manifest) -> int:
    """The epoch of the decision an object stems from, 0 where it carries none that can be."""
    text = (manifest["metadata"].get("annotations") or {}).get(EPOCH_ANNOTATION, "0")
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def timestamp(text: str | None) -> float:
    """A time as the API server writes it, in seconds since the epoch; 0 where there is none."""
    return cast("datetime", parse_time(text)).timestamp() if text else 0.0


def digest(value: Any, digits: int) -> str:
    """So many hexadecimal digits of SHA-256 over JSON values, the order of members set aside."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:digits]


def covers(live: Any, wanted: Any) -> bool:
    """Whether every member that is wanted is there as wanted; what else is there is ignored.

    Lists must have the same length, and selectors must be equal: a foreign entry in either is a
    difference, because it changes what the others mean. In lists that the API merges by a key
    (``KEYED``) more entries are none: who put them there decides whether they go, see ``drift``.
    """
    if not live:
        return not wanted if isinstance(wanted, dict | list) else bool(live == wanted)
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(
            _covers_member(key, live.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(live, list)
            and len(live) == len(wanted)
            and all(covers(left, right) for left, right in zip(live, wanted, strict=True))
        )
    return bool(live == wanted)


def _covers_member(name: str, live: Any, wanted: Any) -> bool:
    if name in SELECTORS:
        return bool(live == wanted)
    if name not in KEYED or not isinstance(live, list):
        return covers(live, wanted)
    key = KEYED[name]
    found = {item.get(key): item for item in live}
    return all(covers(found.get(item[key]), item) for item in wanted)


Manifest = dict[str, Any]
"""A Kubernetes object as JSON values."""
