"""The whole operator against a real API server: an alert is answered once it is stored."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from spark_operator.api.fields import to_time
from tests.integration.operator.notifiers.process import running_operator
from tests.unit.operator.core.builders import body, name, status

if TYPE_CHECKING:
    from pathlib import Path

    from dev.cluster.node.apiserver import RunningApiServer
    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

TOKEN = "a-token-of-the-test"


def on_trial(kubectl: Kubectl, namespace: str) -> None:
    """Store a resource whose second release has had traffic for a minute."""
    made = body(2)
    made["metadata"] = {"name": "spark", "namespace": namespace}
    kubectl("create", "-f", "-", stdin=json.dumps(made))
    now = time.time()
    trial = status(
        "Progressing",
        candidate=2,
        weight=5,
        step=0,
        entered=now - 60,
        observed=now - 60,
        traffic=now - 60,
    )
    patch = json.dumps({"status": trial.to_dict()})
    kubectl(
        *("patch", "sdep", "spark", f"--namespace={namespace}", "--subresource=status"),
        *("--type=merge", f"--patch={patch}"),
    )


def payload(namespace: str, resource: str = "spark", **labels: str) -> dict[str, Any]:
    own = {"alertname": "SparkErrorRateCritical", "namespace": namespace}
    alert = {
        "status": "firing",
        "labels": {**own, "spark_deployment": resource, **labels},
        "startsAt": to_time(time.time()).isoformat(),
        "fingerprint": "a1b2c3d4e5f60718",
    }
    return {"version": "4", "alerts": [alert]}


async def test_an_alert_that_is_answered_stands_in_status(
    api_server: RunningApiServer, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    on_trial(kubectl, namespace)
    token = tmp_path / "token"
    token.write_text(TOKEN)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"ALERT_TOKEN_FILE": str(token), "ALERT_PORT": str(port)}
    log = tmp_path / "log"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"http://127.0.0.1:{port}/alerts/v4"
    async with (
        running_operator(api_server.kubeconfig, namespace, log, **settings) as operator,
        httpx.AsyncClient(trust_env=False, timeout=10) as client,
    ):
        assert (await client.post(url, json=payload(namespace))).status_code == 401
        for resource, where in (("other", namespace), ("spark", "kube-system")):
            answer = await client.post(url, json=payload(where, resource), headers=headers)
            assert answer.json() == {"outcomes": {"UnknownResource": 1}}
        named = payload(namespace, release=name(2))
        answer = await client.post(url, json=named, headers=headers)
        assert answer.json() == {"outcomes": {"RolledBack": 1}}
        found = kubectl.json("get", "sdep", "spark", f"--namespace={namespace}")["status"]
        assert found["phase"] in ("RollingBack", "RolledBack")
        assert found["alerts"][0]["outcome"] == "RolledBack"
        again = await client.post(url, json=named, headers=headers)
        assert again.json() == {"outcomes": {"Repeated": 1}}
        assert 'spark_operator_alerts_total{outcome="RolledBack"} 1.0' in await operator.metrics()
        assert TOKEN not in operator.said()
