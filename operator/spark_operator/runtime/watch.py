"""The only module that knows kopf: it watches, and every event only wakes a resource's task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import kopf

from spark_operator.api.base import GROUP, PLURAL, VERSION
from spark_operator.core.model.labels import OWNER_LABEL
from spark_operator.ports.cluster import Key
from spark_operator.reconcile.urgency import of_resource
from spark_operator.runtime.wiring import TOKEN, Operator, operator

if TYPE_CHECKING:
    from spark_operator.runtime.settings import Settings

WATCHED: Final = (
    ("", "v1", "pods"),
    ("", "v1", "services"),
    ("", "v1", "serviceaccounts"),
    ("", "v1", "configmaps"),
    ("apps", "v1", "deployments"),
    ("batch", "v1", "jobs"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("networking.k8s.io", "v1", "networkpolicies"),
)
"""Kinds whose changes wake the resource that their label names."""
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
        for group, version, plural in WATCHED:
            settings.watching.label_selectors[group, version, plural] = OWNER_LABEL

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=handlers)
    async def resource_changed(
        namespace: str | None, name: str | None, body: kopf.Body, **_: Any
    ) -> None:
        running.workers.wake(Key(namespace or "", name or ""), of_resource(body))

    async def child_changed(namespace: str | None, labels: kopf.Labels, **_: Any) -> None:
        if OWNER_LABEL in labels:
            running.workers.wake(Key(namespace or "", labels[OWNER_LABEL]))

    for group, version, plural in WATCHED:
        kopf.on.event(group, version, plural, registry=handlers)(child_changed)
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
    watching = asyncio.create_task(running.secrets.run())
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
        marking.cancel()
        watching.cancel()


async def _mark_ready(running: Operator, ready: asyncio.Event) -> None:
    await ready.wait()
    running.ready = running.watching = True
