"""Answers of an API server that no client can use: cut off, no JSON, without end."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from spark_operator.adapters.kubernetes import responses
from spark_operator.adapters.kubernetes.client import KubeCluster
from spark_operator.adapters.kubernetes.events import EventRecorder
from spark_operator.adapters.kubernetes.metadata import MetadataClient
from spark_operator.ports.cluster import UnavailableError
from tests.unit.operator.reconcile.cluster import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH = "/api/v1/namespaces/production/pods"


@asynccontextmanager
async def answering(body: bytes, status: int = 200) -> AsyncIterator[ApiClient]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, content_type="application/json")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    configuration = Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}")
    configuration.retries = None
    try:
        async with ApiClient(configuration) as client:
            yield client
    finally:
        await runner.cleanup()


def cluster(client: ApiClient) -> KubeCluster:
    return KubeCluster(client, EventRecorder(FixedClock(), "test"), request_seconds=5.0)


@pytest.mark.parametrize("body", [b'{"items": [{"metadata"', b"<html>", b"", b"\xff{}"])
async def test_what_is_no_json_is_an_api_server_that_is_not_there(body: bytes) -> None:
    """Such as from a proxy in between: it ends neither a lease nor a reconcile in surprise."""
    async with answering(body) as client:
        with pytest.raises(UnavailableError, match="no usable answer"):
            await cluster(client).get(PATH)
        with pytest.raises(UnavailableError, match="no usable answer"):
            await MetadataClient(client, request_seconds=5.0).metadata(PATH)


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_without_end_is_not_read_to_its_end(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "MAX_ANSWER_BYTES", 1000)
    async with answering(b'"' + b"x" * 5_000 + b'"', status) as client:
        with pytest.raises(UnavailableError, match="more than 1000 bytes"):
            await cluster(client).get(PATH)


async def test_the_longest_answer_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "MAX_ANSWER_BYTES", 1000)
    async with answering(b'{"a":"' + b"x" * 992 + b'"}') as client:
        assert await cluster(client).get(PATH) == {"a": "x" * 992}
