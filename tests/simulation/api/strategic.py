"""Strategic merge patch: like a JSON merge patch, but lists of objects are merged by a key.

Source: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
and the ``x-kubernetes-patch-merge-key`` of the API's OpenAPI document.
"""

from __future__ import annotations

from typing import Any, Final

from tests.simulation.api.errors import Refusal

MERGE_KEYS: Final = {
    "spec.ports": "port",
    "spec.template.spec.containers": "name",
    "spec.template.spec.containers.ports": "containerPort",
    "spec.template.spec.containers.env": "name",
    "spec.template.spec.containers.volumeMounts": "mountPath",
    "spec.template.spec.volumes": "name",
    "spec.template.spec.imagePullSecrets": "name",
    "spec.template.spec.topologySpreadConstraints": "topologyKey",
}
DIRECTIVE: Final = "$patch"


def patched(live: Any, patch: Any, path: str = "") -> Any:
    """The live value with a patch applied.

    Raises:
        Refusal: an item names no key, or a directive that is not served here.
    """
    if isinstance(patch, list) and path in MERGE_KEYS:
        return _list(live or [], patch, path)
    if not isinstance(patch, dict):
        return patch
    result = dict(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value, f"{path}.{key}" if path else key)
    return result


def _list(live: list[Any], patch: list[Any], path: str) -> list[Any]:
    name = MERGE_KEYS[path]
    items = list(live)
    for change in patch:
        if name not in change:
            raise Refusal(422, "Invalid", f"{path}: an item without its merge key {name}")
        at = [index for index, item in enumerate(items) if item.get(name) == change[name]]
        match change.get(DIRECTIVE):
            case "delete":
                items = [item for item in items if item.get(name) != change[name]]
            case None if at:
                items[at[0]] = patched(items[at[0]], change, path)
            case None:
                items.append(change)
            case other:
                raise Refusal(422, "Invalid", f"{path}: {DIRECTIVE}: {other} is not served here")
    return items
