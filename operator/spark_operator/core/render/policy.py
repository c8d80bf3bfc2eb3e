"""What surrounds the pods: identity, disruption budget, network policy, configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.core.model.labels import child_name, selector
from spark_operator.core.render.meta import metadata

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.model.release import Release


def service_account(resource: SparkDeployment) -> Manifest:
    """An identity that can do nothing: its token is not even mounted."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(resource, resource.metadata.name),
        "automountServiceAccountToken": False,
    }


def config_map(resource: SparkDeployment, release: Release) -> Manifest:
    """A release's environment; it never changes, so it is immutable."""
    name = child_name(resource.metadata.name, release.name)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(resource, name, release.name),
        "immutable": True,
        "data": dict(release.config),
    }


def disruption_budget(resource: SparkDeployment, release: str) -> Manifest:
    """At most one pod of the stable release may be evicted at a time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(resource, resource.metadata.name),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": selector(resource.metadata.name, release)},
        },
    }


def network_policy(resource: SparkDeployment) -> Manifest:
    """Pods may be reached on the service's port only; isolated, they reach and are reached by none.

    A policy that lists a direction without a rule denies it:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """
    rules = {
        "policyTypes": ["Ingress"],
        "ingress": [{"ports": [{"port": "http", "protocol": "TCP"}]}],
    }
    if resource.spec.isolated:
        rules = {"policyTypes": ["Ingress", "Egress"]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(resource, resource.metadata.name),
        "spec": {
            "podSelector": {"matchLabels": selector(resource.metadata.name)},
            **rules,
        },
    }
