"""How patches change an object: JSON merge patch, and server-side apply of one manager.

Server-side apply is a three-way merge here: what the manager applied before and applies no longer
goes away, what it applies is set (forced), all else stays.  Who else may own a field is not kept:
the operator is the only one that applies, and it always forces.
Sources: RFC 7386; https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

from __future__ import annotations

from typing import Any, Final

Path = tuple[str, ...]

LIST_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "metadata.ownerReferences": ("uid",),
    "spec.ports": ("port", "protocol"),
    "spec.template.spec.containers": ("name",),
    "spec.template.spec.containers.ports": ("containerPort", "protocol"),
    "spec.template.spec.containers.env": ("name",),
    "spec.template.spec.containers.volumeMounts": ("mountPath",),
    "spec.template.spec.volumes": ("name",),
    "spec.template.spec.imagePullSecrets": ("name",),
    "spec.template.spec.topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
"""Lists that are merged by key (``x-kubernetes-list-map-keys``); all others are atomic."""
ATOMIC_MAPS: Final = frozenset(
    {
        "spec.selector",
        "spec.podSelector",
        "spec.template.spec.nodeSelector",
        "spec.template.spec.topologySpreadConstraints.labelSelector",
    }
)
"""Maps that are replaced as a whole (``x-kubernetes-map-type: atomic``)."""


def merge_patch(target: Any, patch: Any) -> Any:
    """The target with a JSON merge patch applied."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def apply(live: Any, before: Any, wanted: Any, path: str = "") -> Any:
    """The live value after a manager who applied ``before`` applies ``wanted``."""
    if isinstance(wanted, dict) and path not in ATOMIC_MAPS:
        return _apply_map(live, before, wanted, path)
    if isinstance(wanted, list) and path in LIST_KEYS:
        return _apply_list(live, before, wanted, path)
    return wanted


def _apply_map(live: Any, before: Any, wanted: dict[str, Any], path: str) -> dict[str, Any]:
    result = dict(live) if isinstance(live, dict) else {}
    applied = before if isinstance(before, dict) else {}
    for key in applied.keys() - wanted.keys():
        below = _below(path, key)
        rest = _without(result.get(key), applied[key], below)
        if rest is None:
            result.pop(key, None)
        else:
            result[key] = rest
    for key, value in wanted.items():
        below = _below(path, key)
        result[key] = apply(result.get(key), applied.get(key), value, below)
    return result


def _apply_list(live: Any, before: Any, wanted: list[Any], path: str) -> list[Any]:
    keys = LIST_KEYS[path]
    current, applied = _keyed(live, keys), _keyed(before, keys)
    result = dict(current)
    ours = _keyed(wanted, keys)
    for identity in applied.keys() - ours.keys():
        rest = _without(result.get(identity), applied[identity], path)
        if rest is None or _is_only_keys(rest, keys):
            result.pop(identity, None)
        else:
            result[identity] = rest
    for identity, item in ours.items():
        result[identity] = apply(current.get(identity), applied.get(identity), item, path)
    foreign = [identity for identity in result if identity not in ours]
    return [result[identity] for identity in (*ours, *foreign)]


def _without(live: Any, applied: Any, path: str) -> Any:
    """The live value without what was applied; None when nothing is left."""
    if not (isinstance(live, dict) and isinstance(applied, dict)) or path in ATOMIC_MAPS:
        return None
    rest = {}
    for key, value in live.items():
        kept = value if key not in applied else _without(value, applied[key], _below(path, key))
        if kept is not None:
            rest[key] = kept
    return rest or None


def _is_only_keys(item: Any, keys: tuple[str, ...]) -> bool:
    return isinstance(item, dict) and set(item) <= set(keys)


def _keyed(items: Any, keys: tuple[str, ...]) -> dict[tuple[Any, ...], Any]:
    found = items if isinstance(items, list) else []
    return {tuple(item.get(key) for key in keys): item for item in found}


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
