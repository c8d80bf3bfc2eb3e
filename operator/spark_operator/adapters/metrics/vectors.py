"""Answers of Prometheus' HTTP API, read with suspicion.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prometheus_client.samples import Sample

from spark_operator.adapters.metrics.exposition import MAX_SAMPLES, counters_of
from spark_operator.adapters.metrics.promql import SCRAPED_AT
from spark_operator.ports.metrics import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FUTURE_SECONDS: Final = 10.0
"""A sample that is further ahead of our clock than this is none."""


class PrometheusAnswerError(Exception):
    """The answer is none that can be used; the message says why."""


class Measured(NamedTuple):
    """One sample of an instant vector; a scalar has no labels."""

    labels: Mapping[str, str]
    value: float


Vector = tuple[Measured, ...]


def vector(body: bytes) -> Vector:
    """Read an instant query's answer.

    Raises:
        PrometheusAnswerError: it is an error, partial, another form, or no answer at all.
    """
    try:
        answer = json.loads(body)
        if answer["status"] != "success":
            raise PrometheusAnswerError(f"the query failed: {str(answer.get('error'))[:200]}")
        if answer.get("warnings"):
            raise PrometheusAnswerError("the answer is partial: it carries warnings")
        kind, result = answer["data"]["resultType"], answer["data"]["result"]
        if kind == "scalar":
            return (Measured({}, _number(result)),)
        if kind != "vector":
            raise PrometheusAnswerError(f"the query gives a {str(kind)[:20]}, no single value")
        return tuple(Measured(_labels(item["metric"]), _number(item["value"])) for item in result)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise PrometheusAnswerError(f"no answer of Prometheus: {type(error).__name__}") from None


def _number(pair: Any) -> float:
    _, text = pair
    return float(text) if isinstance(text, str) else math.nan


def _labels(metric: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in metric.items()}


def single(found: Vector | None) -> float | None:
    """The value of a query that gives exactly one finite value."""
    if found is None or len(found) != 1 or not math.isfinite(found[0].value):
        return None
    return found[0].value


def readings(found: Vector, label: str, pods: Mapping[str, str], now: float) -> dict[str, Reading]:
    """Pods' counters with the times of their scrapes.

    A pod with any number that is not finite or negative, without a time, or with one that is ahead
    of ``now``, has no counters.

    Args:
        found: an answer to ``counters_query``.
        label: the one that holds a pod's name.
        pods: UIDs by the names that were asked for; others are not looked at.
        now: seconds since the epoch.
    """
    by_pod: dict[str, list[Measured]] = {name: [] for name in pods}
    for item in found:
        mine = by_pod.get(item.labels.get(label, ""))
        if mine is not None:
            mine.append(item)
    return {pods[name]: _reading(mine, now) for name, mine in by_pod.items()}


def _reading(mine: list[Measured], now: float) -> Reading:
    times = [item.value for item in mine if _is_time(item)]
    samples = list(_samples(mine))
    good = (
        len(times) == 1
        and len(samples) <= MAX_SAMPLES
        and 0 < times[0] <= now + FUTURE_SECONDS
        and all(math.isfinite(sample.value) and sample.value >= 0 for sample in samples)
    )
    if not good:
        return Reading(now, None)
    try:
        return Reading(times[0], counters_of(samples))
    except (ValueError, TypeError):
        return Reading(now, None)


def _is_time(item: Measured) -> bool:
    return "__name__" not in item.labels and item.labels.get("result") == SCRAPED_AT


def _samples(mine: Iterable[Measured]) -> Iterable[Sample]:
    for item in mine:
        if "__name__" in item.labels:
            yield Sample(item.labels["__name__"], dict(item.labels), item.value)
