"""From a rule in a real Prometheus, through a real Alertmanager, to the rollback."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dev.monitoring import alertmanager, prometheus
from dev.services import free_port
from spark_operator.adapters.alerts.inbox import Inbox
from spark_operator.adapters.alerts.receiver import PATH, Receiver
from spark_operator.adapters.clock import SystemClock
from spark_operator.ports.cluster import Key
from spark_operator.reconcile.reconciler import Reconciler
from spark_operator.reconcile.worker import Workers
from tests.integration.operator.metrics.conftest import CANDIDATE, WatchedCluster, on_trial
from tests.unit.operator.core.builders import name
from tests.unit.operator.reconcile.cluster import NoMetrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.operator.metrics.conftest import Release

MONITORING = Path(__file__).resolve().parents[4] / "manifests" / "monitoring"
SPARK = Key("production", "spark")


@asynccontextmanager
async def operator(cluster: WatchedCluster, token: Path) -> AsyncIterator[tuple[int, list[str]]]:
    """The operator's own parts around a cluster in memory; its port for alerts."""
    clock, inbox, port = SystemClock(), Inbox(), free_port()
    outcomes: list[str] = []
    reconciler = Reconciler(cluster, NoMetrics(), clock, alerts=inbox)
    workers = Workers(reconciler, clock, lambda *_: None)
    receiver = Receiver(
        inbox,
        clock,
        token,
        port=port,
        leads=lambda: True,
        wake=workers.wake,
        observer=outcomes.append,
    )
    await receiver.start()
    workers.wake(SPARK)
    try:
        yield port, outcomes
    finally:
        await receiver.stop()
        await workers.stop()


def shipped(folder: Path, port: int, token: Path) -> tuple[Path, Path]:
    """The shipped files, with this machine's address and less patience."""
    rules = folder / "rules.yaml"
    rules.write_text((MONITORING / "rules.yaml").read_text().replace("for: 15s", "for: 2s"))
    configuration: dict[str, Any] = yaml.safe_load((MONITORING / "alertmanager.yaml").read_text())
    hook = configuration["receivers"][1]["webhook_configs"][0]
    hook["url"] = f"http://127.0.0.1:{port}{PATH}"
    hook["http_config"]["authorization"]["credentials_file"] = str(token)
    made = folder / "alertmanager.yaml"
    made.write_text(yaml.safe_dump(configuration))
    return rules, made


async def test_a_rule_that_names_the_release_rolls_it_back(
    releases: tuple[Release, Release],
    users: None,
    tmp_path: Path,
) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-of-the-test\n")
    cluster = on_trial(releases)
    async with operator(cluster, token) as (port, outcomes):
        rules, configuration = shipped(tmp_path, port, token)
        targets = {release.target: release.labels for release in releases}
        with (
            alertmanager(configuration) as manager,
            prometheus(rules=[rules], alertmanager=f"127.0.0.1:{manager.port}", targets=targets),
        ):
            await cluster.until(lambda status: status["phase"] == "RollingBack", 40)
            told = cluster.status["alerts"][0]
    assert (told["name"], told["release"]) == ("SparkErrorRateCritical", name(CANDIDATE))
    assert told["outcome"] == "RolledBack"
    assert outcomes[-1] == "RolledBack"
    verdict = cluster.status["verdict"]
    assert (verdict["verdict"], verdict["reason"]) == ("Fail", "AlertFired")
    assert [item["release"] for item in cluster.status["quarantine"]] == [name(CANDIDATE)]
    assert _seconds(told["at"]) - _seconds(told["startsAt"]) < 10


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
