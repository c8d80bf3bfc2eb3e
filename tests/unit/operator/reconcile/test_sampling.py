"""From the resource's source to the judge's plan and ticks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from spark_operator.core.decide.judge_plan import judge_plan
from spark_operator.core.judge import Counters, QueryRule, QueryValue
from spark_operator.core.judge.plan import Action
from spark_operator.ports.metrics import (
    PrometheusQuery,
    PrometheusResult,
    Reading,
    RenderedQuery,
    Target,
)
from spark_operator.reconcile.sampling import Sampler
from tests.unit.operator.core.builders import NOW, name, pod, resource, seen
from tests.unit.operator.reconcile.cluster import FixedClock, NoMetrics

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.ports.cluster import Key

QUERY = {
    "name": "queue",
    "query": 'q{namespace="{{namespace}}",r="{{candidate}}",s="{{stable}}"}',
    "max": 10,
}


def asked(interval: str = "5s", **query: object) -> SparkDeployment:
    source = {"prometheus": {"address": "http://prometheus:9090", "scrapeInterval": interval}}
    return resource(2, analysis={"source": source, "queries": [{**QUERY, **query}]})


@dataclass
class Asked:
    """Answers as it is told, and remembers what it was asked."""

    answer: PrometheusResult = field(default_factory=PrometheusResult)
    asks: list[PrometheusQuery] = field(default_factory=list)
    forgotten: list[Key] = field(default_factory=list)

    async def read(self, ask: PrometheusQuery) -> PrometheusResult:
        self.asks.append(ask)
        return self.answer

    def forget(self, key: Key) -> None:
        self.forgotten.append(key)


@pytest.mark.parametrize(("interval", "patience"), [("1s", 10.0), ("5s", 15.0), ("60s", 180.0)])
def test_slow_scrapes_are_waited_for(interval: str, patience: float) -> None:
    plan = judge_plan(asked(interval).spec)
    assert (plan.stale_seconds, plan.unavailable_seconds) == (patience, patience)


def test_pods_are_waited_for_as_before() -> None:
    plan = judge_plan(resource(2).spec)
    assert (plan.stale_seconds, plan.unavailable_seconds) == (10.0, 10.0)


def test_queries_become_rules() -> None:
    (rule,) = judge_plan(asked(min=1, maxRatio=2, action="Hold").spec).queries
    assert rule == QueryRule(name="queue", max=10, min=1, max_ratio=2, action=Action.HOLD)


async def test_pods_are_read_directly_without_a_prometheus() -> None:
    metrics, series = NoMetrics(), Asked()
    await Sampler(metrics, series, FixedClock()).tick(resource(2), seen(), (pod(2),), (pod(1),))
    assert metrics.asked == [Target("2-0", "10.0.2.0", 3000), Target("1-0", "10.0.1.0", 3000)]
    assert series.asks == []


async def test_a_prometheus_is_asked_for_pods_by_name_and_for_queries() -> None:
    read = Reading(NOW - 3, Counters(requests=7.0))
    value = QueryValue("queue", 4.0, None)
    series = Asked(
        PrometheusResult({"2-0": read, "1-0": Reading(NOW, None, known=False)}, (value,))
    )
    sampler = Sampler(NoMetrics(), series, FixedClock())
    tick = await sampler.tick(asked(), seen(), (pod(2),), (pod(1),))
    (ask,) = series.asks
    assert ask.pods == {f"spark-{name(2)}-0": "2-0", f"spark-{name(1)}-0": "1-0"}
    text = f'q{{namespace="production",r="{name(2)}",s="{name(1)}"}}'
    assert ask.questions == (RenderedQuery("queue", text, ""),)
    assert (tick.candidate[0].at, tick.candidate[0].values) == (NOW - 3, read.counters)
    assert tick.queries == (value,)
    # A pod that the source has yet to find is starting, not lost.
    assert (tick.candidate[0].ready, tick.stable[0].ready) == (True, False)


async def test_a_query_that_is_compared_is_asked_for_stable_too() -> None:
    series = Asked()
    sampler = Sampler(NoMetrics(), series, FixedClock())
    await sampler.tick(asked(maxRatio=2), seen(), (pod(2),), (pod(1),))
    text = f'q{{namespace="production",r="{name(1)}",s="{name(1)}"}}'
    assert series.asks[0].questions[0].stable == text


async def test_without_pods_of_both_releases_no_query_is_asked() -> None:
    series = Asked()
    await Sampler(NoMetrics(), series, FixedClock()).tick(asked(), seen(), (pod(2),), ())
    assert series.asks[0].questions == ()
