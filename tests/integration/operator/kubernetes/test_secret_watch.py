"""Rotations are noticed from metadata alone, on a real API server that would give the contents."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import aiohttp
import pytest
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_kube_config

from spark_operator.adapters.kubernetes import secret_watch
from spark_operator.adapters.kubernetes.metadata import LIST, WATCH, MetadataClient
from spark_operator.adapters.kubernetes.secret_watch import SecretWatch
from spark_operator.ports.cluster import Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractContextManager

    from dev.cluster.node.apiserver import RunningApiServer
    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

VALUE: Final = "sk-never-to-be-seen"
SECONDS: Final = 20.0


class Wire:
    """What was asked of the API server, and every byte that it answered."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answered = bytearray()

    def tracing(self) -> aiohttp.TraceConfig:
        trace = aiohttp.TraceConfig()

        async def started(_: object, __: object, params: aiohttp.TraceRequestStartParams) -> None:
            self.asked.append((params.url.path, params.headers["Accept"]))

        trace.on_request_start.append(started)
        return trace

    def tapped(self) -> AbstractContextManager[object]:
        """Keep every byte of every body, however it is read."""
        feed = aiohttp.StreamReader.feed_data

        def recording(reader: aiohttp.StreamReader, data: bytes, *more: int) -> None:
            self.answered += data
            feed(reader, data, *more)

        return patch.object(aiohttp.StreamReader, "feed_data", recording)


class Followed:
    """A watch that runs, for one resource."""

    def __init__(self, reader: MetadataClient, key: Key, names: frozenset[str]) -> None:
        self.key, self.names = key, names
        self.woken = asyncio.Event()
        self.watch = SecretWatch(reader, lambda _: self.woken.set(), (key.namespace,))
        self.watch.follow(key, names)

    def stamps(self) -> dict[str, str] | None:
        found = self.watch.follow(self.key, self.names)
        return None if found is None else {name: item.stamp("key") for name, item in found.items()}

    async def wake(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self.woken.wait()
        self.woken.clear()


@asynccontextmanager
async def followed(
    server: RunningApiServer, namespace: str, *names: str
) -> AsyncIterator[tuple[Followed, Wire]]:
    configuration, wire = Configuration(), Wire()
    await load_kube_config(  # type: ignore[no-untyped-call]
        config_file=str(server.kubeconfig), client_configuration=configuration
    )
    configuration.retries = None
    configuration.trace_configs = [wire.tracing()]
    with wire.tapped():
        async with ApiClient(configuration) as client:
            reader = MetadataClient(client, request_seconds=5.0)
            made = Followed(reader, Key(namespace, "spark"), frozenset(names))
            task = asyncio.create_task(made.watch.run())
            try:
                await made.wake()
                yield made, wire
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


def create(kubectl: Kubectl, namespace: str, name: str, value: str = VALUE) -> None:
    kubectl("create", "secret", "generic", name, "-n", namespace, f"--from-literal=key={value}")


def rotate(kubectl: Kubectl, namespace: str, name: str, manager: str) -> None:
    text = base64.b64encode(f"{VALUE}-{manager}".encode()).decode()
    patch = f'{{"data": {{"key": "{text}"}}}}'
    kubectl(
        *("patch", "secret", name, "-n", namespace, f"--field-manager={manager}"),
        *("--type=merge", "-p", patch),
    )


def apply_text(kubectl: Kubectl, namespace: str, value: str) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "mine", "namespace": namespace},
        "stringData": {"key": value},
    }
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(secret))


async def test_a_rotation_wakes_and_no_content_ever_arrives(
    api_server: RunningApiServer, kubectl: Kubectl, namespace: str
) -> None:
    create(kubectl, namespace, "mine")
    async with followed(api_server, namespace, "mine", "missing") as (made, wire):
        before = made.stamps()
        assert before is not None
        assert set(before) == {"mine"}
        await asyncio.to_thread(rotate, kubectl, namespace, "mine", "rotator")
        await made.wake()
        after = made.stamps()
        assert after is not None
        assert after["mine"] != before["mine"]
    assert {path for path, _ in wire.asked} == {f"/api/v1/namespaces/{namespace}/secrets"}
    assert {accept for _, accept in wire.asked} == {LIST, WATCH}
    assert b'"mine"' in wire.answered, "the trace sees what is answered"
    assert base64.b64encode(VALUE.encode()) not in wire.answered


async def test_a_secret_that_is_applied_as_text_is_known_by_who_applies_it(
    api_server: RunningApiServer, kubectl: Kubectl, namespace: str
) -> None:
    apply_text(kubectl, namespace, "one")
    async with followed(api_server, namespace, "mine") as (made, _):
        before = made.stamps()
        label = ("label", "secret", "mine", "-n", namespace, "a=b")
        await asyncio.to_thread(kubectl, *label)
        assert made.stamps() == before
        await asyncio.sleep(1.0)  # times have no finer grain than a second
        await asyncio.to_thread(apply_text, kubectl, namespace, "two")
        await made.wake()
        assert made.stamps() != before


async def test_labels_and_others_secrets_wake_nobody_and_a_deletion_does(
    api_server: RunningApiServer, kubectl: Kubectl, namespace: str
) -> None:
    create(kubectl, namespace, "mine")
    async with followed(api_server, namespace, "mine") as (made, _):
        before = made.stamps()
        await asyncio.to_thread(create, kubectl, namespace, "other")
        label = ("label", "secret", "mine", "-n", namespace, "a=b")
        await asyncio.to_thread(kubectl, *label)
        await asyncio.to_thread(kubectl, "delete", "secret", "mine", "-n", namespace)
        await made.wake()
        assert made.stamps() == {}
        await asyncio.to_thread(create, kubectl, namespace, "mine", "again")
        await made.wake()
        assert made.stamps() != before


async def test_many_secrets_are_read_page_by_page_and_those_of_helm_not_at_all(
    api_server: RunningApiServer,
    kubectl: Kubectl,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(secret_watch, "PAGE", 2)
    for number in range(5):
        create(kubectl, namespace, f"s{number}")
    kind = "--type=helm.sh/release.v1"
    kubectl("create", "secret", "generic", "release", "-n", namespace, kind)
    names = (*(f"s{number}" for number in range(5)), "release")
    async with followed(api_server, namespace, *names) as (made, wire):
        stamps = made.stamps()
        assert stamps is not None
        assert set(stamps) == {f"s{number}" for number in range(5)}
    assert sum(accept == LIST for _, accept in wire.asked) == 3


async def test_without_the_right_nothing_is_known_and_nothing_fails(
    api_server: RunningApiServer, namespace: str
) -> None:
    configuration = Configuration()
    await load_kube_config(  # type: ignore[no-untyped-call]
        config_file=str(api_server.kubeconfig), client_configuration=configuration
    )
    configuration.retries = None
    async with ApiClient(configuration) as client:
        client.set_default_header("Impersonate-User", "nobody")
        made = Followed(
            MetadataClient(client, request_seconds=5.0), Key(namespace, "spark"), frozenset({"x"})
        )
        task = asyncio.create_task(made.watch.run())
        done, _ = await asyncio.wait({task}, timeout=0.5)
        assert not done
        assert made.stamps() is None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
