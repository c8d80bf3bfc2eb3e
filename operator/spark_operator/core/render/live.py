"""What running pods take up without a restart: a ConfigMap of files, and the users' keys.

The service looks at each mounted file once a second (``docs/app.md`` describes their JSON). The
kubelet refreshes mounted volumes about once a minute by itself, and at once when an annotation of
the pod changes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.fields import format_time
from spark_operator.api.values import seconds
from spark_operator.core.model.labels import LIVE_SUFFIX
from spark_operator.core.model.maintenance import in_maintenance
from spark_operator.core.model.release import VOLUME
from spark_operator.core.render.meta import metadata

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.model.objects import Manifest

KEYS_VOLUME: Final = "keys"
FOLDER: Final = "/etc/spark/live"
KEYS_FOLDER: Final = "/etc/spark/keys"
KEYS_FILE: Final = "api-keys"
KEYS_VARIABLE: Final = "SPARK_API_KEYS_FILE"
FILES: Final = {
    "SPARK_PROVIDERS_FILE": "providers.json",
    "SPARK_MAINTENANCE_FILE": "maintenance.json",
    "SPARK_REVOCATIONS_FILE": "revocations.json",
}
"""The service's variable that names each file."""
READ_BY_GROUP: Final = 0o440


def live(resource: SparkDeployment) -> dict[str, str]:
    """The files' texts by name: equal values give equal texts.

    An isolated service closes too: a connection that a user keeps open outlives the Service's cut.
    """
    spec, status = resource.spec, resource.status
    closed = in_maintenance(status) or spec.isolated
    documents: dict[str, dict[str, Any]] = {
        "providers.json": {"order": list(spec.providers.order)},
        "maintenance.json": {
            "enabled": closed,
            "message": spec.maintenance.message,
            "retryAfterSeconds": max(1, round(seconds(spec.maintenance.retry_after))),
            **_end(resource),
        },
        "revocations.json": {"revoked": sorted(spec.revoked_keys)},
    }
    return {name: json.dumps(documents[name], sort_keys=True) for name in documents}


def _end(resource: SparkDeployment) -> dict[str, str]:
    """When the service opens again, as far as that is known: users are told the time left."""
    window = resource.status.maintenance
    known = window is not None and window.state == "Active" and not resource.spec.isolated
    return {"until": format_time(window.until)} if known and window and window.until else {}


def live_config_map(resource: SparkDeployment) -> Manifest:
    """The ConfigMap that every pod of every release mounts."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(resource, resource.metadata.name + LIVE_SUFFIX),
        "data": live(resource),
    }


def volume(name: str) -> dict[str, Any]:
    """The pod's volume with the files; ``name`` is the resource's."""
    return {"name": VOLUME, "configMap": {"name": name + LIVE_SUFFIX, "defaultMode": 0o444}}


def mount() -> dict[str, Any]:
    """Where the container sees them: a whole folder, because a single file is never refreshed."""
    return {"name": VOLUME, "mountPath": FOLDER, "readOnly": True}


def variables() -> dict[str, str]:
    """The environment that tells the service where the files are."""
    return {variable: f"{FOLDER}/{file}" for variable, file in FILES.items()}


def with_keys(pod: dict[str, Any], resource: SparkDeployment) -> dict[str, Any]:
    """A pod's spec with the users' keys mounted as a file, where the resource refers to any."""
    reference = resource.spec.secrets.api_keys
    if reference is None:
        return pod
    container, *others = pod["containers"]
    items = [{"key": reference.key, "path": KEYS_FILE}]
    source = {"secretName": reference.name, "items": items, "defaultMode": READ_BY_GROUP}
    named = {"name": KEYS_VARIABLE, "value": f"{KEYS_FOLDER}/{KEYS_FILE}"}
    place = {"name": KEYS_VOLUME, "mountPath": KEYS_FOLDER, "readOnly": True}
    container = container | {
        "env": [*container["env"], named],
        "volumeMounts": [*container["volumeMounts"], place],
    }
    return pod | {
        "containers": [container, *others],
        "volumes": [*pod["volumes"], {"name": KEYS_VOLUME, "secret": source}],
    }
