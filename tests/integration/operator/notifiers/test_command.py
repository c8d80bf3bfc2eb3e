"""``spark-operator notify-test``, as an administrator runs it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.operator.notifiers.process import OPERATOR
from tests.integration.operator.notifiers.sinks import http_sink, incidents
from tests.unit.operator.core.builders import body
from tests.unit.operator.core.notifications.told import PAGER

if TYPE_CHECKING:
    from pathlib import Path

    from dev.cluster.node.apiserver import RunningApiServer
    from tests.integration.conftest import Kubectl
    from tests.integration.operator.notifiers.conftest import Put


async def notify_test(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit status and both outputs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "spark_operator",
        "notify-test",
        *arguments,
        env={**os.environ, "PYTHONPATH": str(OPERATOR), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def write(path: Path, told: dict[str, Any]) -> str:
    path.write_text(json.dumps(body(1, notifications=told)))
    return str(path)


async def test_every_channel_is_tried_and_each_answer_told(
    tmp_path: Path, secrets: Path, put: Put
) -> None:
    put("alerts", "value", "R0UT1NGKEY")
    async with http_sink() as good, http_sink("404") as bad:
        told = {
            "webhook": [
                {"name": "good", "url": good.url, "minSeverity": "critical"},
                {"name": "bad", "url": bad.url},
            ],
            "slack": [{"webhookURL": {"name": "none", "key": "url"}}],
            "pagerDuty": [PAGER],
        }
        status, out, err = await notify_test(
            "--file",
            write(tmp_path / "sdep.yaml", told),
            SPARK_OPERATOR_SECRETS_DIR=str(secrets),
            SPARK_OPERATOR_PAGERDUTY_URL=good.url,
        )
    assert status == 1, err
    said = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines()}
    assert said == {
        "slack/default": (
            "secret file none/url is missing: mount Secret none into the operator's pod"
            " (docs/notifications.md)"
        ),
        "pagerDuty/default": "delivered",
        "webhook/good": "delivered",
        "webhook/bad": "localhost answered 404: check the channel's address and key",
    }
    events = [got for got in good.received if "event_action" in got.json]
    assert list(incidents(events).values()) == ["resolved"]
    (plain,) = (got for got in good.received if "event_action" not in got.json)
    assert plain.json["kind"] == "NotifyTest"


@pytest.mark.parametrize(
    ("channel", "says"),
    [
        ("webhook/other", "no channel webhook/other"),
        ("slack/default", "spec.notifications has webhook/default"),
    ],
)
async def test_a_channel_that_is_not_there(tmp_path: Path, channel: str, says: str) -> None:
    file = write(tmp_path / "sdep.yaml", {"webhook": [{"url": "https://hooks.example.com"}]})
    status, _, err = await notify_test("--file", file, "--channel", channel)
    assert status == 2
    assert says in err


async def test_a_file_that_is_none(tmp_path: Path) -> None:
    status, _, err = await notify_test("--file", str(tmp_path / "none.yaml"))
    assert (status, "none.yaml" in err) == (2, True)


@pytest.mark.integration
async def test_a_resource_of_the_cluster(
    api_server: RunningApiServer, kubectl: Kubectl, namespace: str
) -> None:
    async with http_sink() as sink:
        made = body(1, notifications={"webhook": [{"url": sink.url}]})
        made["metadata"] = {"name": "spark", "namespace": namespace}
        kubectl("apply", "-f", "-", stdin=json.dumps(made))
        config = {"KUBECONFIG": str(api_server.kubeconfig)}
        status, out, err = await notify_test("spark", "-n", namespace, **config)
        assert (status, out.split()) == (0, ["webhook/default", "delivered"]), err
        status, _, err = await notify_test("other", "-n", namespace, **config)
    assert status == 2
    assert f"no SparkDeployment {namespace}/other" in err
    assert len(sink.received) == 1
