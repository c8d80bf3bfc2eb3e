"""What somebody added to a child, as a patch that takes it out again.

An apply puts right what was changed or removed, and leaves additions alone. Who added what stands
in `metadata.managedFields` (FieldsV1): what another manager set through the main resource and the
rendered manifest does not have is foreign. Left alone are annotations (tools keep their notes
there, and `kubectl rollout restart` is one), what came through a subresource (an HPA's replicas,
the controllers' status), and what an admission webhook added to our own requests, which the API
server counts as ours.

Source of the format: https://kubernetes.io/docs/reference/using-api/server-side-apply/, and
sigs.k8s.io/structured-merge-diff. The patch is a strategic merge patch.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from spark_operator.core.model.labels import MANAGER

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest

CONTROLLERS: Final = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver")
"""Managers of the control plane, which complete what we ask for."""
LEFT_ALONE: Final = frozenset({"annotations", "finalizers", "ownerReferences", "managedFields"})
_FIELD, _ITEM = "f:", "k:"


def stripping(wanted: Manifest, live: Manifest) -> Manifest | None:
    """A strategic merge patch that removes foreign additions, or None where there are none.

    The patch carries the resourceVersion and UID that were seen.
    """
    patch: dict[str, Any] = {}
    for entry in live["metadata"].get("managedFields") or []:
        if _is_foreign(entry):
            fields = entry.get("fieldsV1") or {}
            _merge(patch, _removal({key: fields[key] for key in _PARTS if key in fields}, wanted))
    if not patch:
        return None
    seen = {key: live["metadata"][key] for key in ("name", "namespace", "resourceVersion", "uid")}
    return {
        "apiVersion": wanted["apiVersion"],
        "kind": wanted["kind"],
        **patch,
        "metadata": patch.get("metadata", {}) | seen,
    }


_PARTS: Final = ("f:metadata", "f:spec", "f:data")


def _is_foreign(entry: dict[str, Any]) -> bool:
    manager = entry.get("manager", "")
    return manager != MANAGER and manager not in CONTROLLERS and not entry.get("subresource")


def _removal(fields: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The patch for one object: null for each foreign member, nested patches for the others."""
    patch: dict[str, Any] = {}
    for key, below in fields.items():
        name = key.removeprefix(_FIELD)
        if not key.startswith(_FIELD) or name in LEFT_ALONE:
            continue
        if name not in wanted:
            patch[name] = None
        elif isinstance(wanted[name], dict):
            nested = _removal(below, wanted[name])
            if nested:
                patch[name] = nested
        elif isinstance(wanted[name], list):
            items = _items(below, wanted[name])
            if items:
                patch[name] = items
    return patch


def _items(fields: dict[str, Any], wanted: list[Any]) -> list[dict[str, Any]]:
    """The patch for a list of objects with a merge key: foreign ones deleted, others patched."""
    patches: list[dict[str, Any]] = []
    for key, below in fields.items():
        if not key.startswith(_ITEM):
            continue
        identity: dict[str, Any] = json.loads(key.removeprefix(_ITEM))
        ours = next((item for item in wanted if identity.items() <= _plain(item).items()), None)
        if ours is None:
            patches.append({**identity, "$patch": "delete"})
            continue
        nested = _removal(below, ours)
        if nested:
            patches.append({**identity, **nested})
    return patches


def _plain(item: Any) -> dict[str, Any]:
    """An item's scalar members, which can be part of its identity."""
    members = item.items() if isinstance(item, dict) else ()
    return {key: value for key, value in members if isinstance(value, str | int)}


def _merge(patch: dict[str, Any], more: dict[str, Any]) -> None:
    """Add another manager's removals to the patch."""
    for key, value in more.items():
        if not value and value is not None:
            continue
        if isinstance(value, dict) and isinstance(patch.get(key), dict):
            _merge(patch[key], value)
        elif isinstance(value, list) and isinstance(patch.get(key), list):
            patch[key] = patch[key] + [item for item in value if item not in patch[key]]
        else:
            patch[key] = value
