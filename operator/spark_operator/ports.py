"""The world as the reconciler sees it: one protocol for each edge, and the errors they raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from spark_operator.core.diff import Delete
    from spark_operator.core.judge import Counters
    from spark_operator.core.observe import Snapshot
    from spark_operator.core.types import Event, Manifest


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

    async def delete(self, namespace: str, deletion: Delete) -> None:
        """Delete an object with the UID that was seen; one that is gone is no error."""

    async def publish(self, resource: Manifest, event: Event) -> None:
        """Tell an event about the resource; repeated ones are counted."""


class Metrics(Protocol):
    """Reads pods' metrics."""

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        """One reading for each target by UID, all within a bounded time."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """Seconds since the epoch."""
