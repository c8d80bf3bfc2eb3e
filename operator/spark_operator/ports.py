"""The world as the reconciler sees it: one protocol for each edge, and the errors they raise."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spark_operator.api.analysis import PrometheusSource
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.diff import Delete
    from spark_operator.core.judge import Counters, QueryValue
    from spark_operator.core.notifications.routing import Route
    from spark_operator.core.notifications.texts import Message
    from spark_operator.core.observe import Snapshot
    from spark_operator.core.secretdata import SecretData
    from spark_operator.core.touch import Touch
    from spark_operator.core.types import Alert, Event, Manifest
    from spark_operator.core.vitals import Measure


class Key(NamedTuple):
    """Names one SparkDeployment."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """``namespace/name``, as Kubernetes writes it."""
        return f"{self.namespace}/{self.name}"


class ClusterError(Exception):
    """The API server did not do what was asked; the message carries its words."""


class ConflictError(ClusterError):
    """The object changed since it was read: read again and decide again."""


class GoneError(ClusterError):
    """The object, or its namespace, does not exist any more."""


class RefusedError(ClusterError):
    """The API server refuses the request as it is: quota, admission, rights or validation."""


class TooLargeError(RefusedError):
    """The object is larger than the API server stores."""


class UnavailableError(ClusterError):
    """The API server cannot be reached, is overloaded, or did not answer in time."""


class Target(NamedTuple):
    """Where one pod's metrics are read."""

    uid: str
    ip: str
    port: int


class Reading(NamedTuple):
    """One pod's counters and when they were read, seconds since the epoch; None: missed."""

    at: float
    counters: Counters | None
    known: bool = True
    """Whether the source has ever had this pod: one it has yet to find is not lost."""


class Question(NamedTuple):
    """A user's query, rendered for the candidate and, where they are compared, for stable."""

    name: str
    candidate: str
    stable: str = ""


class Ask(NamedTuple):
    """What a Prometheus is asked about one resource at one time."""

    key: Key
    source: PrometheusSource
    pods: Mapping[str, str]
    """UIDs by the pods' names."""
    questions: tuple[Question, ...] = ()


class Answer(NamedTuple):
    """What it answered, as far as it did: readings by UID, and the queries' values."""

    readings: Mapping[str, Reading] = MappingProxyType({})
    values: tuple[QueryValue, ...] = ()


class Cluster(Protocol):
    """Reads and writes of API objects.

    Every method may raise ``UnavailableError``; each is bounded in time.
    """

    async def read(self, key: Key) -> Snapshot | None:
        """The resource with its children and pods, or None when it does not exist."""

    async def write_status(self, resource: Manifest) -> Manifest:
        """Replace the status if nobody changed the resource since; the stored resource.

        Raises:
            ConflictError: somebody did.
            GoneError: the resource was deleted.
            TooLargeError: the status does not fit.
        """

    async def create(self, manifest: Manifest) -> None:
        """Create an object; one that is already there is left as it is.

        Raises:
            RefusedError: the API server does not want it.
        """

    async def apply(self, manifest: Manifest) -> None:
        """Write an object by server-side apply, forced.

        Raises:
            ConflictError: the manifest names a resourceVersion that is no longer current.
            RefusedError: the API server does not want it.
        """

    async def strip(self, patch: Manifest) -> None:
        """Take members out of an object by a strategic merge patch over what was seen.

        Raises:
            ConflictError: the object changed since.
            GoneError: it is gone.
            RefusedError: the API server does not want it.
        """

    async def annotate(self, namespace: str, touch: Touch) -> None:
        """Set annotations of a pod; one that is gone is no error."""

    async def delete(self, namespace: str, deletion: Delete) -> None:
        """Delete an object that is as it was seen; one that is gone or changed is no error."""

    async def publish(self, resource: Manifest, event: Event) -> None:
        """Tell an event about the resource; repeated ones are counted."""


class Secrets(Protocol):
    """Knows Secrets by their metadata."""

    def follow(self, key: Key, names: frozenset[str]) -> Mapping[str, SecretData] | None:
        """What is known of these Secrets of the resource's namespace.

        Those that are not there are left out; None says that nothing is known yet. From now on a
        change of one of them, and the first knowledge of all, wakes the resource.
        """

    def forget(self, key: Key) -> None:
        """There is no such resource."""


class Metrics(Protocol):
    """Reads pods' metrics."""

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        """One reading for each target by UID, all within a bounded time."""


class Vitals(Protocol):
    """Reads what pods say of themselves beside what the judge counts."""

    async def examine(self, targets: tuple[Target, ...]) -> dict[str, tuple[Measure, ...] | None]:
        """What each target told by UID, None where it told nothing; within a bounded time."""


class Series(Protocol):
    """Asks the Prometheus that a resource names."""

    async def read(self, ask: Ask) -> Answer:
        """What is known by now, within a bounded time whatever the Prometheus does."""

    def forget(self, key: Key) -> None:
        """The resource is not watched any more: stop asking for it."""


class ChannelError(Exception):
    """A notification was not taken; worth another try.

    The message says what is wrong in words for status and logs: it never holds a credential.
    """

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        """``retry_after``: seconds the server asks to be left alone; 0 where it asks nothing."""
        super().__init__(message)
        self.retry_after = retry_after


class ChannelRefusedError(ChannelError):
    """The channel refuses this message, or any, until somebody corrects something."""


class Sender(Protocol):
    """Carries one message to one channel."""

    async def send(self, route: Route, message: Message) -> None:
        """Deliver the message, within a bounded time; return once the channel has taken it.

        Raises:
            ChannelError: it was not taken, as far as is known.
        """


class Deliveries(NamedTuple):
    """What became of one resource's notices since they were last read from its status."""

    done: frozenset[tuple[str, str]] = frozenset()
    """Notices and the channels that have taken them, as pairs of ids."""
    problems: Mapping[str, str] = MappingProxyType({})
    """What is wrong with each channel whose last attempt failed."""


class Notices(Protocol):
    """Sends what outboxes hold, beside the turns and never inside one."""

    def offer(self, key: Key, resource: SparkDeployment) -> None:
        """Take over the outbox of a resource as it is stored; returns at once."""

    def deliveries(self, key: Key) -> Deliveries:
        """What became of what was offered."""

    def forget(self, key: Key) -> None:
        """The resource is gone: stop sending for it."""


class Alerts(Protocol):
    """Holds alerts that were pushed in until a decision about them is persisted."""

    def pending(self, key: Key) -> tuple[Alert, ...]:
        """What was pushed in for a resource and is not settled."""

    def settle(self, key: Key, outcomes: Iterable[tuple[Alert, str]]) -> None:
        """The status is stored with what came of these."""

    def forget(self, key: Key) -> None:
        """There is no such resource."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """Seconds since the epoch."""
