"""The API server as the reconciler sees it, and the errors it raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.apply.diff import Delete
    from spark_operator.core.apply.volume_refresh import Touch
    from spark_operator.core.model.event import Event
    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.observe.secret_metadata import SecretData
    from spark_operator.core.observe.snapshot import Snapshot


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


def key_of(resource: SparkDeployment) -> Key:
    """Name a resource."""
    return Key(resource.metadata.namespace, resource.metadata.name)
