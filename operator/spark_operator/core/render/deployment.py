"""One Deployment per release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.secrets import VARIABLES
from spark_operator.api.values import canonical_quantity
from spark_operator.core.model import release
from spark_operator.core.model.credentials import count
from spark_operator.core.model.labels import (
    CONTAINER,
    ROTATIONS_ANNOTATION,
    child_name,
    common,
    selector,
)
from spark_operator.core.render import live
from spark_operator.core.render.meta import metadata

if TYPE_CHECKING:
    from spark_operator.api.pods import Resources
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.model.release import Release

USER: Final = 65532
"""User and group of the service's container, those of the image."""


def deployment(resource: SparkDeployment, release: Release, replicas: int) -> Manifest:
    """The Deployment of one release; ``replicas`` 0 stops its pods."""
    name = resource.metadata.name
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(resource, child_name(name, release.name), release.name),
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 1,
            "selector": {"matchLabels": selector(name, release.name)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": _with_secrets(release.template or pod_template(name, release), resource),
        },
    }


def pod_template(name: str, release: Release) -> dict[str, Any]:
    """A release's pod template, without the credentials, which are no part of a release.

    It is kept with the release, so that an operator that renders differently restarts nothing.
    """
    return {
        "metadata": {"labels": common(name, release.name)},
        "spec": _pod(name, release),
    }


def _with_secrets(template: dict[str, Any], resource: SparkDeployment) -> dict[str, Any]:
    """The template with references to today's credentials, the users' keys as a file if it can."""
    pod = template["spec"]
    mounts = release.takes_up(template)
    container, *others = pod["containers"]
    fields = [field for field in VARIABLES if not (mounts and field == "api_keys")]
    environment = [*container["env"], *_secret_environment(resource, fields)]
    pod = pod | {"containers": [container | {"env": environment}, *others]}
    made = template | {"spec": live.with_keys(pod, resource) if mounts else pod}
    rotations = count(resource.status)
    if rotations:
        annotations = template["metadata"].get("annotations", {})
        named = annotations | {ROTATIONS_ANNOTATION: str(rotations)}
        made["metadata"] = template["metadata"] | {"annotations": named}
    return made


def _pod(name: str, release: Release) -> dict[str, Any]:
    settings = release.pod
    pod: dict[str, Any] = {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": settings.termination_grace_period_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(name, release)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}, live.volume(name)],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector(name, release.name)},
            }
        ],
    }
    if settings.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": item.name} for item in settings.image_pull_secrets]
    if settings.node_selector:
        pod["nodeSelector"] = dict(settings.node_selector)
    if settings.priority_class_name:
        pod["priorityClassName"] = settings.priority_class_name
    return pod


def _container(name: str, release: Release) -> dict[str, Any]:
    return {
        "name": CONTAINER,
        "image": release.image,
        "imagePullPolicy": release.pod.image_pull_policy,
        "ports": [{"name": "http", "containerPort": release.pod.port, "protocol": "TCP"}],
        "envFrom": [{"configMapRef": {"name": child_name(name, release.name)}}],
        "env": _environment(release),
        "resources": _resources(release.pod.resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the container
            live.mount(),
        ],
        "startupProbe": _probe("/livez", period=1, failures=60),
        "readinessProbe": _probe("/readyz", period=1, failures=3),
        "livenessProbe": _probe("/livez", period=10, failures=3),
    }


def _probe(path: str, *, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
        "successThreshold": 1,
    }


def _environment(release: Release) -> list[dict[str, Any]]:
    plain = {
        "NODE_ENV": release.environment,
        "NEXT_PUBLIC_APP_URL": release.app_url,
        "PORT": str(release.pod.port),
        "SPARK_RELEASE": release.name,
        **live.variables(),
    }
    return [{"name": key, "value": plain[key]} for key in plain]


def _secret_environment(resource: SparkDeployment, fields: list[str]) -> list[dict[str, Any]]:
    """Credentials by reference; the service knows the verification's key as one of its own."""
    wanted = {VARIABLES[field]: getattr(resource.spec.secrets, field) for field in fields}
    wanted["SPARK_VERIFY_API_KEY"] = resource.spec.verification.api_key
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": found.name, "key": found.key}}}
        for name, found in wanted.items()
        if found is not None
    ]


def _resources(resources: Resources) -> dict[str, dict[str, str]]:
    """Requests and limits as the API server stores them, absent members left out."""
    both = {"requests": resources.requests, "limits": resources.limits}
    return {
        kind: {
            resource: canonical_quantity(amount)
            for resource, amount in (("cpu", amounts.cpu), ("memory", amounts.memory))
            if amount is not None
        }
        for kind, amounts in both.items()
    }
