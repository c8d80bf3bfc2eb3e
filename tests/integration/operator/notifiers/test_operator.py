"""The whole operator against a real API server: killed, and with sinks that fail or hang."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.integration.operator.notifiers.mailbox import mailbox
from tests.integration.operator.notifiers.process import running_operator
from tests.integration.operator.notifiers.sinks import http_sink
from tests.unit.operator.core.builders import body

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from dev.cluster.node.apiserver import RunningApiServer
    from dev.cluster.node.certs import Authority
    from tests.integration.conftest import Kubectl
    from tests.integration.operator.notifiers.conftest import Put
    from tests.integration.operator.notifiers.sinks import HttpSink

pytestmark = pytest.mark.integration

SENTINEL: Final = "S3NT1NEL"
DONE: Final = r'turns_total\{outcome="done"\} [1-9]'
POLLS: Final = 125
POLL_SECONDS: Final = 0.2
INFO: Final = {"minSeverity": "info"}


def manifest(namespace: str, told: dict[str, Any]) -> str:
    made = body(1, notifications=told)
    made["metadata"] = {"name": "spark", "namespace": namespace}
    return json.dumps(made)


async def until(kubectl: Kubectl, namespace: str, kinds: list[str]) -> list[dict[str, Any]]:
    """Wait until the stored outbox holds notices of these kinds; the notices."""

    def look() -> list[dict[str, Any]]:
        found = kubectl.json("get", "sdep", "spark", f"--namespace={namespace}")
        told = found.get("status", {}).get("notifications", {}).get("outbox")
        return told if told is not None else [{"kind": "nothing stored yet"}]

    outbox: list[dict[str, Any]] = []
    for _ in range(POLLS):
        outbox = await asyncio.to_thread(look)
        if [notice["kind"] for notice in outbox] == kinds:
            return outbox
        await asyncio.sleep(POLL_SECONDS)
    raise AssertionError(f"the outbox holds {outbox}, not {kinds}")


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what nothing tells."""
    for _ in range(POLLS):
        if await holds():
            return
        await asyncio.sleep(POLL_SECONDS)
    raise AssertionError("it did not happen")


async def arrivals(sink: HttpSink, wanted: int) -> list[str]:
    """Ids of the notices a sink was given, once there are as many."""
    async with asyncio.timeout(25):
        while len(sink.received) < wanted:
            sink.arrived.clear()
            await sink.arrived.wait()
    return [got.headers["Idempotency-Key"] for got in sink.received]


async def test_killed_before_it_could_send_it_sends_after_the_restart(
    api_server: RunningApiServer, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    async with http_sink("500") as sink:
        kubectl(
            "apply",
            "-f",
            "-",
            stdin=manifest(namespace, {"webhook": [{"url": sink.url, **INFO}]}),
        )
        log = tmp_path / "log"
        async with running_operator(api_server.kubeconfig, namespace, log) as first:
            await arrivals(sink, 1)
            await first.kill()
        (waiting,) = await until(kubectl, namespace, ["Installing"])
        assert waiting["pending"] == ["webhook/default"]
        sink.received.clear()
        sink.mode = "200"
        async with running_operator(api_server.kubeconfig, namespace, log):
            (sent,) = await arrivals(sink, 1)
            assert sent.endswith(f"/{waiting['id']}")
            await until(kubectl, namespace, [])
        async with running_operator(api_server.kubeconfig, namespace, log) as third:

            async def result() -> bool:
                return re.search(DONE, await third.metrics()) is not None

            await eventually(result)
        assert len(sink.received) == 1


async def test_sinks_that_hang_delay_no_turn(
    api_server: RunningApiServer, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    names = ("one", "two", "three", "four")
    async with http_sink("hang") as sink:
        told = {"webhook": [{"name": name, "url": sink.url, **INFO} for name in names]}
        kubectl("apply", "-f", "-", stdin=manifest(namespace, told))
        log = tmp_path / "log"
        async with running_operator(api_server.kubeconfig, namespace, log) as operator:
            await until(kubectl, namespace, ["Installing"])
            await arrivals(sink, 4)
            kubectl("annotate", "sdep", "spark", "spark.dev/retry=one", f"--namespace={namespace}")
            await until(kubectl, namespace, ["Installing", "RequestConsumed"])
            page = await operator.metrics()
    seconds = float(re.search(r"turn_seconds_sum (\S+)", page)[1])  # type: ignore[index]
    reconciles = float(re.search(r"turn_seconds_count (\S+)", page)[1])  # type: ignore[index]
    assert reconciles >= 2
    assert seconds / reconciles < 1


def put_credentials(put: Put, sink: str, mail: int) -> None:
    """Every credential holds the sentinel; ``sink`` is a URL, ``mail`` a port."""
    port = sink.rpartition(":")[2]
    put("slack", "url", f"{sink}/services/{SENTINEL}")
    put("odd", "url", f"no address {SENTINEL}")
    put("ftp", "url", f"https://user:{SENTINEL}@localhost:{port}/")
    put("pager", "key", SENTINEL)
    put("hook", "url", f"{sink}/hook?token={SENTINEL}")
    put("hook", "key", SENTINEL)
    put("smtp", "url", f"smtp://user:{SENTINEL}@localhost:{mail}")
    put("smtp", "plain", f"smtp+plain://user:{SENTINEL}@localhost:{mail}")


def every_channel() -> dict[str, list[dict[str, Any]]]:
    """Channels of every kind, with those credentials."""
    return {
        "slack": [
            {"name": name, "webhookURL": {"name": name, "key": "url"}, **INFO}
            for name in ("slack", "odd", "ftp")
        ],
        "webhook": [
            {
                "urlFrom": {"name": "hook", "key": "url"},
                "signingKey": {"name": "hook", "key": "key"},
                **INFO,
            }
        ],
        "email": [
            {
                "name": key,
                "server": {"name": "smtp", "key": key},
                "from": "spark@example.com",
                "to": ["devops@example.com"],
                **INFO,
            }
            for key in ("url", "plain")
        ],
        "pagerDuty": [{"routingKey": {"name": "pager", "key": "key"}}],
    }


async def test_no_credential_is_ever_said(
    api_server: RunningApiServer,
    kubectl: Kubectl,
    namespace: str,
    tmp_path: Path,
    put: Put,
    server_tls: ssl.SSLContext,
    authority: Authority,
) -> None:
    async with http_sink("500") as sink, mailbox(starttls=server_tls, login=True) as mail:
        put_credentials(put, sink.url, mail.port)
        kubectl("apply", "-f", "-", stdin=manifest(namespace, every_channel()))
        settings = {
            "SECRETS_DIR": str(tmp_path / "secrets"),
            "PAGERDUTY_URL": f"{sink.url}/v2/enqueue",
            "CA_FILE": str(authority.pair.cert),
        }
        log = tmp_path / "log"
        async with running_operator(api_server.kubeconfig, namespace, log, **settings) as operator:
            await until(kubectl, namespace, ["Installing"])
            expected = {"slack", "odd", "ftp", "default", "url", "plain"}

            async def failed() -> bool:
                return expected <= set(
                    re.findall(r"(?:slack|webhook|email)/(\w+) does", operator.said())
                )

            await eventually(failed)
            kubectl("annotate", "sdep", "spark", "spark.dev/retry=one", f"--namespace={namespace}")
            await until(kubectl, namespace, ["Installing", "RequestConsumed"])
            page = await operator.metrics()
        stored = kubectl("get", "sdep,events", f"--namespace={namespace}", "-o", "yaml")
    assert mail.logins, "the mail server does get it"
    assert [got.path for got in sink.received if SENTINEL in got.path], "the sink does get it"
    for place, text in (("log", log.read_text()), ("metrics", page), ("cluster", stored)):
        assert SENTINEL not in text, place
    assert 'spark_operator_notifications_total{channel="slack",outcome="failed"}' in page


async def test_a_pager_hears_the_beginning_and_the_end(
    api_server: RunningApiServer, kubectl: Kubectl, namespace: str, tmp_path: Path, put: Put
) -> None:
    """No kubelet runs here, so the first install never gets ready: that is an incident."""
    put("pager", "key", "R0UT1NGKEY")
    made = json.loads(
        manifest(namespace, {"pagerDuty": [{"routingKey": {"name": "pager", "key": "key"}}]})
    )
    made["spec"]["strategy"] = {
        "canary": {
            "progressDeadline": "10s",
            "steps": [{"weight": 50, "minDuration": "1s"}, {"weight": 100, "minDuration": "1s"}],
        }
    }
    async with http_sink("202") as sink:
        kubectl("apply", "-f", "-", stdin=json.dumps(made))
        settings = {"SECRETS_DIR": str(tmp_path / "secrets"), "PAGERDUTY_URL": sink.url}
        async with running_operator(api_server.kubeconfig, namespace, tmp_path / "log", **settings):
            async with asyncio.timeout(25):
                await sink.arrived.wait()
    (event,) = (got.json for got in sink.received)
    assert event["event_action"] == "trigger"
    assert event["payload"]["class"] == "ProgressDeadlineExceeded"
    assert event["payload"]["severity"] == "critical"
