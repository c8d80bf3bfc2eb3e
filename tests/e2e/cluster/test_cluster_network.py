"""Pods, Services and the machine reach each other as on any cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.kubectl import Kubectl

pytestmark = pytest.mark.alone

NAMESPACE = "e2e-network"
SERVICE = "standin"
PORT = 8080
INSIDE = f"""
import os, socket, urllib.request
for name in ("{SERVICE}", "{SERVICE}.{NAMESPACE}.svc.cluster.local", "kubernetes.default"):
    print(socket.gethostbyname(name))
print(urllib.request.urlopen("http://{SERVICE}/livez", timeout=5).status)
try:
    open("/written", "w")
except OSError as error:
    print(error.strerror)
print(os.getuid())
try:
    socket.gethostbyname("example.com")
except OSError:
    print("no such name")
"""


def _pod(name: str) -> dict[str, Any]:
    container = {
        "name": "standin",
        "image": "localhost/spark-dev:dev",
        "imagePullPolicy": "IfNotPresent",
        "args": ["dev.providers", "--port", str(PORT)],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "securityContext": {"readOnlyRootFilesystem": True, "runAsNonRoot": True},
    }
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"app": SERVICE}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _objects() -> list[dict[str, Any]]:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": NAMESPACE},
        "spec": {"selector": {"app": SERVICE}, "ports": [{"port": 80, "targetPort": PORT}]},
    }
    return [service, _pod("one"), _pod("two")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pods(kubectl: Kubectl) -> AsyncIterator[None]:
    """Two pods behind one Service."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    await kubectl.apply([namespace])
    await kubectl.apply(_objects())
    await kubectl.run(
        "wait", f"--namespace={NAMESPACE}", "--for=condition=Ready", "pod/one", "pod/two",
        "--timeout=90s", seconds=100,
    )  # fmt: skip
    yield
    await kubectl.run("delete", "namespace", NAMESPACE, "--wait", seconds=120)


async def _field(kubectl: Kubectl, name: str, path: str) -> str:
    return await kubectl.run("get", f"--namespace={NAMESPACE}", name, f"--output=jsonpath={path}")


@pytest.mark.usefixtures("pods")
async def test_the_machine_reaches_pods_and_services(kubectl: Kubectl) -> None:
    pod = await _field(kubectl, "pod/one", "{.status.podIP}")
    service = await _field(kubectl, f"service/{SERVICE}", "{.spec.clusterIP}")
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        for address in (f"{pod}:{PORT}", service):
            assert (await client.get(f"http://{address}/livez")).is_success


@pytest.mark.usefixtures("pods")
async def test_pods_find_services_by_name_and_write_nowhere(kubectl: Kubectl) -> None:
    command = ("exec", f"--namespace={NAMESPACE}", "one", "--", "python", "-c", INSIDE)
    short, full, api, status, refusal, user, outside = (await kubectl.run(*command)).splitlines()
    service = await _field(kubectl, f"service/{SERVICE}", "{.spec.clusterIP}")
    assert short == full == service
    assert api.endswith(".128.1")
    assert status == "200"
    assert refusal == "Read-only file system"
    assert user == "65532"
    assert outside == "no such name"


@pytest.mark.usefixtures("pods")
async def test_a_pod_reaches_itself_through_its_service(kubectl: Kubectl) -> None:
    # With two pods, some of the connections come back to where they started.
    once = f"urllib.request.urlopen('http://{SERVICE}/livez', timeout=5)"
    command = f"import urllib.request\nfor _ in range(10): {once}"
    await kubectl.run("exec", f"--namespace={NAMESPACE}", "one", "--", "python", "-c", command)


@pytest.mark.usefixtures("pods")
async def test_a_killed_container_is_back_within_seconds_each_time(kubectl: Kubectl) -> None:
    for expected in (1, 2, 3):
        kill = "import os, signal; os.kill(1, signal.SIGTERM)"
        await kubectl.run("exec", f"--namespace={NAMESPACE}", "two", "--", "python", "-c", kill)
        restarts = f"jsonpath={{.status.containerStatuses[0].restartCount}}={expected}"
        for condition in (restarts, "condition=Ready"):
            await kubectl.run(
                "wait", f"--namespace={NAMESPACE}", "pod/two", f"--for={condition}",
                "--timeout=30s", seconds=35,
            )  # fmt: skip


@pytest.mark.usefixtures("pods")
async def test_logs_can_be_read(kubectl: Kubectl) -> None:
    say = "print('said to the log', file=open('/proc/1/fd/1', 'w'))"
    await kubectl.run("exec", f"--namespace={NAMESPACE}", "one", "--", "python", "-c", say)
    assert "said to the log" in await kubectl.run("logs", f"--namespace={NAMESPACE}", "one")
