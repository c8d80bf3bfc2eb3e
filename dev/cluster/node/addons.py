"""Objects that the cluster needs besides what the apiserver makes by itself: DNS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dev.cluster.machine.subnets import Subnets

NAMESPACE = "kube-system"
DNS_SERVICE = "kube-dns"
DNS_USER = "system:coredns"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def objects(subnets: Subnets) -> list[tuple[str, dict[str, Any]]]:
    """Return the objects, each with its path in the API."""
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"
    return [
        (f"{RBAC}/clusterroles/{DNS_USER}", _role()),
        (f"{RBAC}/clusterrolebindings/{DNS_USER}", _binding()),
        (f"/api/v1/namespaces/{NAMESPACE}/services/{DNS_SERVICE}", _service(str(subnets.dns))),
        (f"{slices}/{DNS_SERVICE}-node", _endpoints(str(subnets.node.ip))),
    ]


def _role() -> dict[str, Any]:
    watched = {"": ["services", "pods", "namespaces"], "discovery.k8s.io": ["endpointslices"]}
    rules = [
        {"apiGroups": [group], "resources": resources, "verbs": ["list", "watch"]}
        for group, resources in watched.items()
    ]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": DNS_USER},
        "rules": rules,
    }


def _binding() -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": DNS_USER},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": DNS_USER},
        "subjects": [{"apiGroup": group, "kind": "User", "name": DNS_USER}],
    }


def _ports() -> list[dict[str, Any]]:
    return [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]


def _service(address: str) -> dict[str, Any]:
    # Without a selector no controller touches the endpoints, which are the node itself.
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": DNS_SERVICE, "namespace": NAMESPACE},
        "spec": {"clusterIP": address, "ports": _ports()},
    }


def _endpoints(address: str) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": DNS_SERVICE}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{DNS_SERVICE}-node", "namespace": NAMESPACE, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": _ports(),
    }
