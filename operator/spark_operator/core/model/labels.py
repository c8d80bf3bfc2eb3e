"""Labels, annotations and names of everything the operator makes."""

from __future__ import annotations

from typing import Final

from spark_operator.api.base import GROUP

MANAGER: Final = "spark-operator"
"""Field manager of server-side apply, and the value of app.kubernetes.io/managed-by."""
OWNER_LABEL: Final = f"{GROUP}/deployment"
"""Name of the SparkDeployment that an object belongs to."""
RELEASE_LABEL: Final = f"{GROUP}/release"
CONTAINER: Final = "spark"
"""Name of the service's container in its pods."""
JOB_CONTAINER: Final = "job"
"""The same in a Job's pod."""
JOB_LABEL: Final = f"{GROUP}/job"
"""What a Job is for."""
JOB_OF_LABEL: Final = f"{GROUP}/job-of"
"""Name of the SparkDeployment that a Job's pod works for: no Service may select such a pod."""
RUN_ANNOTATION: Final = f"{GROUP}/run"
"""Tells a Job from an earlier one of the same name."""
EPOCH_ANNOTATION: Final = f"{GROUP}/epoch"
LIVE_ANNOTATION: Final = f"{GROUP}/live"
"""On pods: names the live files they were told to take up; a change makes the kubelet look."""
KEYS_ANNOTATION: Final = f"{GROUP}/keys"
"""The same for the users' keys."""
ROTATIONS_ANNOTATION: Final = f"{GROUP}/secrets"
"""On pod templates: how often credentials were changed under them."""
LIVE_SUFFIX: Final = "-live"
"""Behind the resource's name: the ConfigMap that running pods take up without a restart."""
NO_RELEASE: Final = "none"
"""Value of the release label that no pod has: a Service that selects it has no endpoints."""


def common(name: str, release: str | None = None) -> dict[str, str]:
    """Labels of a child; ``release`` for those that belong to one."""
    labels = {
        "app.kubernetes.io/name": "spark",
        "app.kubernetes.io/part-of": "spark",
        "app.kubernetes.io/managed-by": MANAGER,
        OWNER_LABEL: name,
    }
    return labels | ({RELEASE_LABEL: release} if release else {})


def selector(name: str, release: str | None = None) -> dict[str, str]:
    """Labels that select the pods of one release, or of all releases."""
    return {OWNER_LABEL: name} | ({RELEASE_LABEL: release} if release else {})


def selector_text(name: str, release: str | None = None) -> str:
    """A selector as text, the form the scale subresource wants."""
    return ",".join(f"{key}={value}" for key, value in selector(name, release).items())


def child_name(name: str, release: str) -> str:
    """Name of a release's Deployment, ConfigMap and ControllerRevision."""
    return f"{name}-{release}"
