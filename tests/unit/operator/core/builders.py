"""Literals for tests of the core: a resource, its status, what is seen, what the judge heard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.fields import to_time
from spark_operator.api.resource import SparkDeployment, parse
from spark_operator.api.status.status import (
    ReleaseStatus,
    SparkDeploymentStatus,
    StepStatus,
    Weight,
)
from spark_operator.core import judge
from spark_operator.core.decide.judge_plan import judge_plan
from spark_operator.core.model.release import Release
from spark_operator.core.observe.observations import Observations
from spark_operator.core.observe.values import Pod, TrafficRoute, Workload

if TYPE_CHECKING:
    from spark_operator.core.judge import JudgeState

NOW: Final = 1_700_000_000.0
REPLICAS: Final = 4
IMAGES: Final = {version: f"registry.example/spark:1.{version}.0" for version in range(1, 6)}


def body(version: int = 1, **spec: Any) -> dict[str, Any]:
    """The resource as JSON, at release ``version``."""
    return {
        "apiVersion": "spark.dev/v1alpha1",
        "kind": "SparkDeployment",
        "metadata": {
            "name": "spark",
            "namespace": "production",
            "uid": "0b5b8d4e-0000-4000-8000-000000000001",
            "generation": version,
            "resourceVersion": "1",
        },
        "spec": {
            "image": IMAGES[version],
            "replicas": REPLICAS,
            "secrets": {"anthropicAPIKey": {"name": "spark-providers", "key": "anthropic"}},
            "analysis": {"sensitivity": "fast", "onLowTraffic": "Pause"},
            "preflight": {"enabled": False},
            "verification": {"enabled": False},
            **spec,
        },
    }


def resource(
    version: int = 1,
    status: SparkDeploymentStatus | None = None,
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> SparkDeployment:
    """The resource, with the status it had before the decision."""
    text = body(version, **spec)
    text["metadata"]["annotations"] = annotations or {}
    parsed = parse(text)
    return parsed.model_copy(update={"status": status}) if status else parsed


def release(version: int, **spec: Any) -> Release:
    """What version ``version`` is made of, with members of the spec changed."""
    return Release.of(resource(version, **spec).spec)


def name(version: int, **spec: Any) -> str:
    """The hash of version ``version``, with members of the spec changed."""
    return release(version, **spec).name


def role(version: int, *, since: float = NOW - 600, digest: str | None = None) -> ReleaseStatus:
    """Version ``version`` in a role."""
    return ReleaseStatus(
        release=name(version),
        image=IMAGES[version],
        digest=digest or f"sha256:{version:064x}",
        since=to_time(since),
    )


def status(
    phase: str,
    *,
    stable: int | None = 1,
    candidate: int | None = None,
    previous: int | None = None,
    weight: int = 0,
    step: int | None = None,
    entered: float = NOW - 60,
    observed: float | None = NOW - 60,
    traffic: float | None = NOW - 60,
    **more: Any,
) -> SparkDeploymentStatus:
    """A status; numbers are versions, times seconds since the epoch."""
    made = SparkDeploymentStatus(
        observed_generation=1,
        epoch=7,
        phase=phase,
        stable=role(stable) if stable else None,
        candidate=role(candidate, since=NOW - 300) if candidate else None,
        previous=role(previous) if previous else None,
        weight=Weight(desired=weight),
        first_traffic_at=to_time(traffic) if traffic and candidate else None,
    )
    if step is not None:
        made = made.model_copy(
            update={
                "step": StepStatus(
                    index=step,
                    total=4,
                    entered_at=to_time(entered),
                    observed_since=None if observed is None else to_time(observed),
                )
            }
        )
    return made.model_copy(update=more)


def pod(version: int, number: int = 0, **changes: Any) -> Pod:
    """A ready pod of version ``version``."""
    made = Pod(
        name=f"spark-{name(version)}-{number}",
        uid=f"{version}-{number}",
        release=name(version),
        ip=f"10.0.{version}.{number}",
        ready=True,
        started_at=NOW - 600,
        digest=f"sha256:{version:064x}",
    )
    return replace(made, **changes)


def workload(version: int, count: int, **changes: Any) -> Workload:
    """A Deployment of version ``version`` with ``count`` pods, all alike."""
    pods = tuple(pod(version, number, **changes) for number in range(count))
    return Workload(release=name(version), exists=True, replicas=count, pods=pods)


def seen(*workloads: Workload, route: int | str | None = 1, **more: Any) -> Observations:
    """What was seen; ``route`` is a version, ``"shared"``, or None where there is no Service."""
    selected = name(route) if isinstance(route, int) else None
    return Observations(
        workloads={item.release: item for item in workloads},
        revisions={name(version): release(version) for version in IMAGES},
        route=None if route is None else TrafficRoute(selected),
        **more,
    )


def sample(uid: str, at: float, requests: float, errors: float) -> judge.PodSample:
    """One reading of a ready pod."""
    counters = judge.Counters(
        requests=requests,
        failures_app=errors,
        failures_provider=0.0,
        client_errors=0.0,
        latency_buckets=tuple((le, requests) for le in (1.0, 2.5, 5.0, 10.0, float("inf"))),
        inflight=0.0,
    )
    return judge.PodSample(
        pod=uid, at=at, values=counters, ready=True, restarts=0, started_at=NOW - 600
    )


def judged(
    candidate: float, stable: float = 0.0, *, seconds: int = 60, rate: float = 20.0
) -> JudgeState:
    """What the judge knows after ``seconds`` until NOW at ``rate``/s and these error rates."""
    plan = judge_plan(resource().spec)
    began = NOW - seconds
    state = judge.at_step(plan, judge.start(plan, began), began)
    for second in range(1, seconds + 1):
        at, n = began + second, rate * second
        tick = judge.Tick(
            at=at,
            candidate=(sample("2-0", at, n, n * candidate),),
            stable=(sample("1-0", at, n, n * stable),),
        )
        state = judge.observe(plan, state, tick)
    return state
