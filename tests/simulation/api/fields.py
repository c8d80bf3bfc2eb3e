"""Who set which field: ``metadata.managedFields`` in the FieldsV1 format.

An apply's manager holds what it applied last; an update's manager holds what it changed, and takes
it from all others.  What was removed is held by nobody.
Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management, and
sigs.k8s.io/structured-merge-diff (merge/update.go).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.api.merge import ATOMIC_MAPS, LIST_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spark_operator.core.model.objects import Manifest

Path = tuple[str, ...]
KEPT: Final = frozenset(
    {"services", "serviceaccounts", "configmaps", "deployments"}
    | {"networkpolicies", "poddisruptionbudgets"}
)
"""Kinds for which it is kept: those in which the operator looks for additions."""
IDENTITY: Final = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp"}
    | {"deletionTimestamp", "managedFields"}
)
_ITSELF: Final = "."
_VERSION: Final = "apiVersion"


def managed(
    before: Manifest | None, after: Manifest, manager: str, applied: Manifest | None, now: str
) -> list[dict[str, Any]]:
    """The entries of an object after a write.

    Args:
        before: the object as it was, None for a new one.
        after: as it will be.
        manager: who writes.
        applied: what is applied; None: it is an update.
        now: the time, RFC 3339.
    """
    was, values = dict(_leaves(before or {})), dict(_leaves(after))
    changed = {path for path, value in values.items() if path not in was or was[path] != value}
    operation = "Update" if applied is None else "Apply"
    ours = (manager, operation)
    held = _held(before)
    sets = {
        owner: fields & values.keys() - (changed if owner != ours else set())
        for owner, (fields, _) in held.items()
    }
    if applied is None:
        sets[ours] = sets.get(ours, frozenset()) | changed
    else:
        sets[ours] = frozenset(path for path, _ in _leaves(applied))
    return [
        {
            "manager": owner[0],
            "operation": owner[1],
            _VERSION: after[_VERSION],
            "time": held[owner][1] if owner in held and held[owner][0] == fields else now,
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree(fields),
        }
        for owner, fields in sets.items()
        if fields
    ]


def _held(manifest: Manifest | None) -> dict[tuple[str, str], tuple[frozenset[Path], str]]:
    entries = (manifest or {"metadata": {}})["metadata"].get("managedFields") or []
    return {
        (entry["manager"], entry["operation"]): (
            frozenset(_paths(entry["fieldsV1"], ())),
            entry["time"],
        )
        for entry in entries
    }


def _leaves(manifest: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Every field that somebody can hold, with its value."""
    for key, value in manifest.items():
        if key == "metadata":
            # Empty maps of metadata are not stored.
            named = {name: it for name, it in value.items() if it and name not in IDENTITY}
            for name, it in named.items():
                yield from _below(it, ("f:metadata", f"f:{name}"), f"metadata.{name}")
        elif key not in (_VERSION, "kind", "status"):
            yield from _below(value, (f"f:{key}",), key)


def _below(value: Any, path: Path, name: str) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value and name not in ATOMIC_MAPS:
        for key, item in value.items():
            yield from _below(item, (*path, f"f:{key}"), f"{name}.{key}")
    elif isinstance(value, list) and name in LIST_KEYS:
        for item in value:
            identity = {key: item[key] for key in LIST_KEYS[name] if key in item}
            own = (*path, f"k:{json.dumps(identity, sort_keys=True, separators=(',', ':'))}")
            yield (*own, _ITSELF), None
            for key, member in item.items():
                yield from _below(member, (*own, f"f:{key}"), f"{name}.{key}")
    else:
        yield path, value


def _tree(fields: frozenset[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(fields):
        at = tree
        for part in path:
            at = at.setdefault(part, {})
    return tree


def _paths(tree: Mapping[str, Any], path: Path) -> Iterator[Path]:
    if not tree:
        yield path
    for key, below in tree.items():
        yield from _paths(below, (*path, key))
