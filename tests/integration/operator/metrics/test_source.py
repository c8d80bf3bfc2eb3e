"""A real Prometheus as the judge's source: it finds a bad release, and its death blames nobody."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from dev.monitoring import prometheus
from spark_operator.adapters import http
from spark_operator.adapters.clock import SystemClock
from spark_operator.adapters.metrics.prometheus import PrometheusSeries
from spark_operator.adapters.secret_files import SecretFiles
from spark_operator.api.analysis import PrometheusSource
from spark_operator.core.observe.placeholders import render
from spark_operator.ports.cluster import Key
from spark_operator.ports.metrics import PrometheusQuery, RenderedQuery
from spark_operator.reconcile.reconciler import Reconciler
from spark_operator.reconcile.worker import Workers
from tests.integration.operator.metrics.conftest import CANDIDATE, WatchedCluster, on_trial, scraped
from tests.unit.operator.core.builders import name
from tests.unit.operator.reconcile.cluster import NoMetrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from dev.monitoring import Monitoring
    from tests.integration.operator.metrics.conftest import Release

SPARK = Key("production", "spark")


@pytest.fixture(scope="module")
def monitoring(releases: tuple[Release, Release]) -> Iterator[Monitoring]:
    targets = {release.target: release.labels for release in releases}
    with prometheus(targets=targets) as made:
        yield made


@asynccontextmanager
async def asking(folder: Path) -> AsyncIterator[PrometheusSeries]:
    async with http.client() as client:
        series = PrometheusSeries(
            client, SecretFiles(folder), SystemClock(), wait=0.7, limit=1_048_576, loopback=True
        )
        try:
            yield series
        finally:
            await series.stop()


@asynccontextmanager
async def operator(cluster: WatchedCluster, folder: Path) -> AsyncIterator[None]:
    async with asking(folder) as series:
        clock = SystemClock()
        reconciler = Reconciler(cluster, NoMetrics(), clock, series=series)
        workers = Workers(reconciler, clock, lambda *_: None)
        workers.wake(SPARK)
        try:
            yield
        finally:
            await workers.stop()


def source(monitoring: Monitoring, **more: Any) -> dict[str, Any]:
    asked = {"address": monitoring.url, "scrapeInterval": "1s"}
    return {"sensitivity": "fast", "source": {"prometheus": asked}, **more}


async def test_its_counters_find_the_bad_release(
    releases: tuple[Release, Release], users: None, monitoring: Monitoring, tmp_path: Path
) -> None:
    cluster = on_trial(releases, analysis=source(monitoring))
    async with operator(cluster, tmp_path):
        await cluster.until(lambda status: status["phase"] == "RollingBack", 40)
    verdict = cluster.status["verdict"]
    assert verdict["verdict"] == "Fail"
    assert verdict["reason"] in ("ErrorRateCritical", "ErrorRateAboveStable")
    assert float(verdict["evidence"][0]["stable"]) == 0.0


async def test_its_death_holds_and_blames_nobody(
    releases: tuple[Release, Release], monitoring: Monitoring, tmp_path: Path
) -> None:
    # Otherwise the last requests of users who are gone are news to this trial.
    await scraped(monitoring.url)
    cluster = on_trial(releases, analysis=source(monitoring))
    try:
        async with operator(cluster, tmp_path):
            await cluster.until(lambda s: s.get("verdict", {}).get("verdict") == "Continue", 20)
            monitoring.service.kill()
            await cluster.until(lambda s: s["verdict"]["verdict"] == "NoData", 20)
            assert (cluster.status["phase"], cluster.status["weight"]["desired"]) == (
                "Progressing",
                50,
            )
            monitoring.service.start()
            await cluster.until(lambda s: s["verdict"]["verdict"] != "NoData", 20)
            assert cluster.status["phase"] == "Progressing"
    finally:
        if monitoring.service.process is None:
            monitoring.service.start()


NASTY = ('"} or vector(1) or up{pod="', "`", "'", "\\", "\n", "é{}", "a.b")


async def test_no_value_changes_a_query_that_a_real_parser_reads(
    monitoring: Monitoring, tmp_path: Path
) -> None:
    texts = []
    for value in NASTY:
        names = dict.fromkeys(("namespace", "name", "stable", "candidate"), value)
        texts += [render(f"count(up{{pod={q}{{{{name}}}}{q}}})", names) for q in ('"', "'", "`")]
    made = PrometheusSource(address=monitoring.url)
    ask = PrometheusQuery(
        SPARK, made, {}, tuple(RenderedQuery(f"q{n}", text) for n, text in enumerate(texts))
    )
    async with asking(tmp_path) as series:
        answer = await series.read(ask)
    assert [value.candidate for value in answer.values] == [None] * len(texts)


async def test_a_users_query_is_asked_for_both_releases(
    releases: tuple[Release, Release], monitoring: Monitoring, tmp_path: Path
) -> None:
    pod = releases[1].labels["pod"]
    text = 'scalar(count(up{release="{{candidate}}",pod="POD"}))'.replace("POD", pod)
    values = {"namespace": "production", "name": "spark", "stable": name(1)}
    both = [render(text, values | {"candidate": name(number)}) for number in (CANDIDATE, 1)]
    ask = PrometheusQuery(
        SPARK, PrometheusSource(address=monitoring.url), {}, (RenderedQuery("mine", *both),)
    )
    async with asking(tmp_path) as series:
        (found,) = (await series.read(ask)).values
    assert (found.candidate, found.stable) == (1.0, None)
