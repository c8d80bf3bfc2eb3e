"""One look at the pods of both releases, through the source that the resource names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.core import judge
from spark_operator.core.observe.placeholders import render
from spark_operator.ports.cluster import Key
from spark_operator.ports.metrics import (
    PrometheusQuery,
    PrometheusResult,
    Reading,
    RenderedQuery,
    Target,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.observe.observations import Observations
    from spark_operator.core.observe.values import Pod
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.metrics import Metrics, Series

    Pods = tuple[Pod, ...]


class Sampler:
    """A maker of the judge's ticks."""

    def __init__(self, metrics: Metrics, series: Series | None, clock: Clock) -> None:
        """``series`` None: a resource that names a Prometheus gets no data."""
        self._metrics = metrics
        self._series = series
        self._clock = clock

    async def tick(
        self,
        resource: SparkDeployment,
        seen: Observations,
        candidate: Pods,
        stable: Pods,
        leaving: Pods = (),
    ) -> judge.Tick:
        """Read the live pods of the watched release and of the one beside it.

        ``leaving``: pods of the watched release that are taken away, whoever does it.
        """
        answer = await self._answer(resource, seen, candidate, stable)
        now = self._clock.now()
        return judge.Tick(
            at=now,
            candidate=tuple(_sample(pod, answer.readings, now) for pod in candidate),
            stable=tuple(_sample(pod, answer.readings, now) for pod in stable),
            queries=answer.values,
            disrupted=tuple(pod.uid for pod in leaving),
        )

    async def _answer(
        self, resource: SparkDeployment, seen: Observations, candidate: Pods, stable: Pods
    ) -> PrometheusResult:
        pods = (*candidate, *stable)
        source = resource.spec.analysis.source.prometheus
        if source is None:
            ports = {name: release.pod.port for name, release in seen.revisions.items()}
            targets = tuple(
                Target(pod.uid, pod.ip, ports.get(pod.release, resource.spec.pod.port))
                for pod in pods
                if pod.ip
            )
            return PrometheusResult(await self._metrics.read(targets))
        if self._series is None:
            return PrometheusResult()
        key = Key(resource.metadata.namespace, resource.metadata.name)
        named = {pod.name: pod.uid for pod in pods}
        questions = _questions(resource, candidate, stable)
        return await self._series.read(PrometheusQuery(key, source, named, questions))

    def forget(self, key: Key) -> None:
        """Forget a resource of which nothing is watched any more."""
        if self._series is not None:
            self._series.forget(key)


def _sample(pod: Pod, readings: Mapping[str, Reading], now: float) -> judge.PodSample:
    reading = readings.get(pod.uid, Reading(now, None))
    return judge.PodSample(
        pod=pod.uid,
        at=reading.at,
        values=reading.counters,
        ready=pod.ready and reading.known,
        restarts=pod.restarts,
        started_at=pod.started_at,
        oom_killed=pod.oom_killed,
        asked=reading.asked,
    )


def _questions(
    resource: SparkDeployment, candidate: Pods, stable: Pods
) -> tuple[RenderedQuery, ...]:
    """Return the user's queries; none while a release they may name has no pods."""
    if not candidate or not stable:
        return ()
    meta = resource.metadata
    ours, theirs = candidate[0].release, stable[0].release
    values = {"namespace": meta.namespace, "name": meta.name, "stable": theirs, "candidate": ours}
    return tuple(
        RenderedQuery(
            query.name,
            render(query.query, values),
            render(query.query, values | {"candidate": theirs}) if query.max_ratio else "",
        )
        for query in resource.spec.analysis.queries
    )
