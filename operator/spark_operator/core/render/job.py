"""A Job that runs a command of the release in the release's own image and environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.values import seconds
from spark_operator.core.model import jobs
from spark_operator.core.model.labels import (
    JOB_CONTAINER,
    JOB_LABEL,
    JOB_OF_LABEL,
    OWNER_LABEL,
    RUN_ANNOTATION,
    common,
)
from spark_operator.core.render.deployment import deployment
from spark_operator.core.render.meta import metadata

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.api.status.runs import JobStatus
    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.model.release import Release

REPORT: Final = "/dev/termination-log"
"""Where the kubelet looks for a container's last words."""
_SERVING: Final = ("ports", "startupProbe", "readinessProbe", "livenessProbe")
"""What only a container that serves has."""


def job(resource: SparkDeployment, release: Release, entry: JobStatus) -> Manifest:
    """The Job of an entry of status: one pod, one try, bounded in time."""
    name = resource.metadata.name
    meta = metadata(resource, jobs.job_name(name, entry), release.name)
    meta["labels"][JOB_LABEL] = entry.kind
    meta["annotations"][RUN_ANNOTATION] = jobs.run_id(entry)
    labels = common(name, release.name) | {JOB_LABEL: entry.kind, JOB_OF_LABEL: name}
    del labels[OWNER_LABEL]
    pod = _pod(resource, release)
    container = _without(pod["containers"][0], _SERVING) | {
        "name": JOB_CONTAINER,
        "command": _command(resource, release, entry),
        "terminationMessagePath": REPORT,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    container["env"] = [*container["env"], *_environment(resource, entry)]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta,
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": round(jobs.timeout(resource, entry.kind)),
            "template": {
                "metadata": {"labels": labels},
                "spec": pod | {"restartPolicy": "Never", "containers": [container]},
            },
        },
    }


def _pod(resource: SparkDeployment, release: Release) -> dict[str, Any]:
    """The release's own pod, as its Deployment would run it."""
    pod: dict[str, Any] = deployment(resource, release, 0)["spec"]["template"]["spec"]
    # Nothing that serves has to be drained.
    return _without(pod, ("topologySpreadConstraints",)) | {"terminationGracePeriodSeconds": 10}


def _without(members: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in names}


def _command(resource: SparkDeployment, release: Release, entry: JobStatus) -> list[str]:
    spec, target = resource.spec, entry.target
    match entry.kind:
        case "preflight":
            return list(spec.preflight.command)
        case "migrate":
            return list(release.migrations.command) if release.migrations else []
        case "undo":
            command = list(release.migrations.rollback_command) if release.migrations else []
            return [*command, "--to", target] if target else command
        case "traffic":
            return _traffic(resource, target)
        case _:
            return _verify(resource, target)


def _verify(resource: SparkDeployment, url: str) -> list[str]:
    wanted = resource.spec.verification
    return [
        "spark-app",
        "verify",
        "--url",
        url,
        "--health-ms",
        f"{1000 * seconds(wanted.health):g}",
        "--generate-seconds",
        f"{seconds(wanted.generate):g}",
        "--export-seconds",
        f"{seconds(wanted.export):g}",
    ]


def _traffic(resource: SparkDeployment, urls: str) -> list[str]:
    bounds = resource.spec.analysis.synthetic
    command = ["spark-app", "traffic"]
    for url in urls.split():
        command += ["--url", url]
    return [*command, "--requests", str(bounds.max_requests), "--rate", str(bounds.rate)]


def _environment(resource: SparkDeployment, entry: JobStatus) -> list[dict[str, Any]]:
    stable = resource.status.stable
    made: list[dict[str, Any]] = [{"name": "SPARK_REPORT_FILE", "value": REPORT}]
    if entry.kind in ("preflight", "migrate") and stable is not None and stable.schema_head:
        made.append({"name": "SPARK_STABLE_HEAD", "value": stable.schema_head})
    return made
