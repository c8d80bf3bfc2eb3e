"""The only module that knows kopf: it watches, and every event only wakes a resource's task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import kopf

from spark_operator.api.base import GROUP, PLURAL, VERSION
from spark_operator.ports.cluster import Key
from spark_operator.reconcile.urgency import Urgency, of_resource
from spark_operator.runtime.wiring import TOKEN, Operator, operator

if TYPE_CHECKING:
    from spark_operator.runtime.settings import Settings

SERVER_TIMEOUT: Final = 300
CLIENT_TIMEOUT: Final = 310
END_SECONDS: Final = 2.0
"""How long a stop waits for the watches to end."""


def registry(running: Operator) -> kopf.OperatorRegistry:
    """Make the handlers for one operator, in a registry of its own."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return (
            kopf.login_with_service_account(**kwargs)
            if TOKEN.exists()
            else kopf.login_with_kubeconfig(**kwargs)
        )

    @kopf.on.startup(registry=handlers)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.watching.server_timeout = SERVER_TIMEOUT
        settings.watching.client_timeout = CLIENT_TIMEOUT

    seen: dict[Key, str] = {}

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=handlers)
    async def resource_changed(
        namespace: str | None, name: str | None, body: kopf.Body, event: kopf.RawEvent, **_: Any
    ) -> None:
        key, version = Key(namespace or "", name or ""), str(body.metadata["resourceVersion"])
        # After an outage all resources are told again, of which few have changed.
        if event["type"] != "DELETED" and seen.get(key) == version:
            return
        seen[key] = version
        if event["type"] == "DELETED":
            del seen[key]
        urgency = of_resource(body)
        if urgency is Urgency.AT_REST:
            running.children.wake_when_listed(key)
        else:
            running.workers.wake(key, urgency)

    return handlers


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Run the operator until ``stop`` is set; with a lease, only while this process leads.

    Raises:
        LeadershipLostError: another replica may lead now; nothing is written after that.
        MissingResourceDefinitionError: the CRD is not installed.
        OSError: the probes' port is taken.
    """
    async with operator(settings) as running:
        if running.lease is None:
            await _watch(running, settings, stop)
            return
        running.ready = True
        stopped = asyncio.create_task(stop.wait())
        if not await _first(asyncio.create_task(running.lease.acquire()), stopped):
            return
        keeping = asyncio.create_task(running.lease.keep())
        watching = asyncio.create_task(_watch(running, settings, stop))
        try:
            await asyncio.wait({keeping, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await running.workers.stop()
            await _end(keeping, watching, stopped)
        for task in (keeping, watching):
            if task.done() and not task.cancelled():
                task.result()
        await running.lease.release()


async def _first(wanted: asyncio.Task[None], stopped: asyncio.Task[bool]) -> bool:
    """Wait for a task unless the process is told to stop before."""
    await asyncio.wait({wanted, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not wanted.done():
        wanted.cancel()
        return False
    wanted.result()
    return True


async def _end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait for them, within a bound: what hangs must not keep the rest."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=END_SECONDS)


async def _watch(running: Operator, settings: Settings, stop: asyncio.Event) -> None:
    ready = asyncio.Event()
    marking = asyncio.create_task(_mark_ready(running, ready))
    watching = [
        asyncio.create_task(running.children.run()),
        asyncio.create_task(running.secrets.run()),
    ]
    try:
        await kopf.operator(
            registry=registry(running),
            standalone=True,
            # Its own default asks for the user's name, which a container may not have.
            identity=settings.identity,  # type: ignore[arg-type]
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
            stop_flag=stop,
            ready_flag=ready,
        )
    finally:
        await _end(marking, *watching)


async def _mark_ready(running: Operator, ready: asyncio.Event) -> None:
    await ready.wait()
    running.ready = running.watching = True
