"""One test message on each channel of a resource: ``spark-operator notify-test``.

Runs where the credentials are mounted, in the operator's pod.  It sends at once and itself, without
the outbox: what it proves is that a channel's address, credentials and network work.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from spark_operator.adapters.clock import SystemClock
from spark_operator.adapters.kubernetes.client import RESOURCE
from spark_operator.api.fields import to_time
from spark_operator.api.resource import InvalidResourceError, parse
from spark_operator.api.status.outbox import Notice
from spark_operator.core.notifications.outbox import identity
from spark_operator.core.notifications.routing import routes
from spark_operator.core.notifications.texts import Message
from spark_operator.ports.notifications import ChannelError
from spark_operator.runtime.wiring import api_client, channels, cluster_of

if TYPE_CHECKING:
    from pathlib import Path

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.notifications.routing import Action, ChannelRoute
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.notifications import Sender
    from spark_operator.runtime.settings import Settings

MAX_FILE_BYTES: Final = 1_048_576
TEXT: Final = "this is a test of the notification channel: nothing has happened"


class NotifyTestError(Exception):
    """The test cannot be made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ChannelOutcome:
    """What came of one channel's test; an empty problem means that it took the message."""

    channel: str
    problem: str


def read_file(path: Path) -> SparkDeployment:
    """The one SparkDeployment in a YAML file.

    Raises:
        NotifyTestError: the file cannot be read, or does not hold one valid SparkDeployment.
    """
    try:
        with path.open(encoding="utf-8") as file:
            found = yaml.safe_load(file.read(MAX_FILE_BYTES))
        resource = parse(found)
    except (OSError, yaml.YAMLError, InvalidResourceError, UnicodeDecodeError) as error:
        raise NotifyTestError(f"{path}: {error}") from error
    meta = resource.metadata
    return resource.model_copy(
        update={"metadata": meta.model_copy(update={"namespace": meta.namespace or "default"})}
    )


async def run(
    sender: Sender, resource: SparkDeployment, wanted: str, now: float
) -> tuple[ChannelOutcome, ...]:
    """Send to all channels at the same time, whatever severity they ask for.

    A pager's incident is opened and resolved at once.

    Args:
        sender: carries the messages.
        resource: whose channels are tried.
        wanted: one channel as KIND/NAME; empty: all.
        now: seconds since the epoch.

    Raises:
        NotifyTestError: there is no such channel.
    """
    found = [route for route in routes(resource.spec) if wanted in ("", route.id)]
    if not found:
        known = ", ".join(route.id for route in routes(resource.spec)) or "none"
        raise NotifyTestError(
            f"no channel {wanted or 'at all'} for environment {resource.spec.environment}:"
            f" spec.notifications has {known}"
        )
    return tuple(await asyncio.gather(*(_try(sender, resource, route, now) for route in found)))


async def _try(
    sender: Sender, resource: SparkDeployment, route: ChannelRoute, now: float
) -> ChannelOutcome:
    actions: tuple[Action, ...] = ("trigger", "resolve") if route.pages else ("notify",)
    try:
        for action in actions:
            await sender.send(route, _message(resource, action, now))
    except ChannelError as error:
        return ChannelOutcome(route.id, str(error))
    except Exception as error:
        # Not its text: nobody has checked that it holds no credential.
        return ChannelOutcome(route.id, f"unexpected {type(error).__name__}")
    return ChannelOutcome(route.id, "")


def _message(resource: SparkDeployment, action: Action, now: float) -> Message:
    notice = Notice(
        id=identity(resource.metadata.uid, "NotifyTest", now),
        at=to_time(now),
        kind="NotifyTest",
        reason="Test",
        severity="critical" if action != "notify" else "info",
        action=action,
        incident=0,
        message=TEXT,
    )
    return Message.of(resource, notice)


async def notify_test(
    settings: Settings, namespace: str, name: str, file: Path | None, channel: str
) -> tuple[ChannelOutcome, ...]:
    """Try the channels of a resource, which is read from a file or from the cluster.

    Raises:
        NotifyTestError: there is no such resource or channel.
        ClusterError: the API server does not give the resource.
    """
    clock = SystemClock()
    if file is not None:
        resource = read_file(file)
    else:
        resource = await _read(clock, settings, namespace, name)
    async with channels(clock, settings) as sender:
        return await run(sender, resource, channel, clock.now())


async def _read(clock: Clock, settings: Settings, namespace: str, name: str) -> SparkDeployment:
    async with await api_client() as client:
        cluster = cluster_of(client, clock, settings, lambda: True)
        body = await cluster.get(RESOURCE.path(namespace, name)) if name else None
    if body is None:
        raise NotifyTestError(
            f"no SparkDeployment {namespace}/{name}: give its name and --namespace, or --file"
        )
    try:
        return parse(body)
    except InvalidResourceError as error:
        raise NotifyTestError(f"{namespace}/{name}: {error}") from error
