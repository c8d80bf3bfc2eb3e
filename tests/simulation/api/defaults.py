"""What the API server adds to an object that a client sends: the part that clients can trip over.

Source: k8s.io/kubernetes/pkg/apis/*/v1/defaults.go.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.values import quantity
from tests.simulation.api import jobs

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest

_BINARY: Final = (("Ei", 6), ("Pi", 5), ("Ti", 4), ("Gi", 3), ("Mi", 2), ("Ki", 1))
_DECIMAL: Final = (
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("", 0),
    ("m", -3),
)


def complete(manifest: Manifest) -> Manifest:
    """The object with its defaults, as it is stored."""
    match manifest["kind"]:
        case "Service":
            return _service(manifest)
        case "Deployment":
            spec = {"progressDeadlineSeconds": 600, "replicas": 1, **manifest["spec"]}
            return _templated(manifest, spec)
        case jobs.KIND:
            return _templated(manifest, jobs.defaults(manifest["spec"]))
        case _:
            return manifest


def _service(manifest: Manifest) -> Manifest:
    spec = {"sessionAffinity": "None", "internalTrafficPolicy": "Cluster", **manifest["spec"]}
    ports = [
        {"protocol": "TCP", "targetPort": port.get("port"), **port}
        for port in spec.get("ports") or []
    ]
    return manifest | {"spec": spec | {"ports": ports}}


def _templated(manifest: Manifest, spec: dict[str, Any]) -> Manifest:
    template = dict(spec["template"])
    pod = {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", **template["spec"]}
    pod["containers"] = [_container(item) for item in pod["containers"]]
    spec["template"] = template | {"spec": pod}
    return manifest | {"spec": spec}


def _container(container: dict[str, Any]) -> dict[str, Any]:
    resources = {
        kind: {name: canonical(amount) for name, amount in amounts.items()}
        for kind, amounts in (container.get("resources") or {}).items()
    }
    return {"terminationMessagePolicy": "File", **container, "resources": resources}


def canonical(amount: str) -> str:
    """A quantity in the form that the API server stores: the largest unit that keeps it whole.

    Source: k8s.io/apimachinery/pkg/api/resource/quantity.go, CanonicalizeBytes.
    """
    value = quantity(amount)
    if amount.endswith("i") and value >= 1024:
        for unit, power in _BINARY:
            whole = value / Decimal(1024) ** power
            if whole == int(whole):
                return f"{int(whole)}{unit}"
    for unit, exponent in _DECIMAL:
        whole = value / Decimal(10) ** exponent
        if whole == int(whole):
            return f"{int(whole)}{unit}"
    return amount
