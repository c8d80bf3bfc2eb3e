"""What is seen and what is decided, piece by piece, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from spark_operator.api.fields import clip

if TYPE_CHECKING:
    from spark_operator.api.notifications import Severity


MAX_ERROR: Final = 200
"""Characters of an error's text that are kept."""


class PartFailure(NamedTuple):
    """A part of a reconcile that raised an error of the operator's own."""

    part: str
    error: str
    """Class and text of the error, bounded."""

    @classmethod
    def of(cls, part: str, error: Exception) -> PartFailure:
        """Return what is told of an error."""
        return cls(part, clip(f"{type(error).__name__}: {error}", MAX_ERROR))


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of a release; times are seconds since the epoch."""

    name: str
    uid: str
    release: str
    ip: str = ""
    ready: bool = False
    terminating: bool = False
    restarts: int = 0
    oom_killed: bool = False
    started_at: float = 0.0
    digest: str | None = None
    trouble: str = ""
    """Why its container does not run, in the kubelet's words; empty when it does."""
    disruption: str = ""
    """What takes it away, which is not the release's doing; empty when nothing does."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One release's Deployment and its pods."""

    release: str
    exists: bool = False
    replicas: int = 0
    pods: tuple[Pod, ...] = ()
    refusal: str = ""
    """Why its pods cannot be created, such as a quota; empty when they can."""
    rotations: int = 0
    """How often its pods were restarted for their credentials, as its template says."""

    @property
    def live(self) -> tuple[Pod, ...]:
        """Pods that are not on their way out."""
        return tuple(pod for pod in self.pods if not pod.terminating)

    @property
    def ready(self) -> int:
        """Live pods that are ready."""
        return sum(pod.ready for pod in self.live)

    @property
    def trouble(self) -> str:
        """The first trouble a live pod has, or why there are none, or nothing."""
        return next((pod.trouble for pod in self.live if pod.trouble), self.refusal)

    @property
    def digest(self) -> str | None:
        """The image digest its pods run, once one of them does."""
        return next((pod.digest for pod in self.live if pod.digest), None)

    @property
    def digests(self) -> tuple[str, ...]:
        """Every image digest that its pods run: several where a tag was moved."""
        return tuple(sorted({pod.digest for pod in self.live if pod.digest}))

    @property
    def failing_digest(self) -> str | None:
        """The one digest that the release's failure can be put down to; None: nobody knows.

        Of several it is the one that alone has no ready pod.
        """
        if len(self.digests) < 2:
            return self.digest
        serving = {pod.digest for pod in self.live if pod.ready}
        failing = [digest for digest in self.digests if digest not in serving]
        return failing[0] if len(failing) == 1 else None


@dataclass(frozen=True, slots=True)
class Job:
    """One Job and the last of its pods.

    Attributes:
        name: its name.
        run: which run it is for, as its annotation says.
        created: Unix seconds, as the API server says.
        finished: whether it has ended.
        succeeded: whether its command ended with 0.
        exited: whether its command ended by itself, rather than by a signal or with its pod.
        timed_out: whether it was ended for taking too long.
        report: what its command left behind.
        trouble: why its pod does not run, in the kubelet's words; empty when it does.
    """

    name: str
    run: str = ""
    created: float = 0.0
    finished: bool = False
    succeeded: bool = False
    exited: bool = False
    timed_out: bool = False
    report: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class TrafficRoute:
    """What the users' Service selects: one release, or with None all that have pods."""

    release: str | None


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it was sent.

    Attributes:
        fingerprint: names its label set, hexadecimal.
        name: the alerting rule's name.
        starts_at: when it began to fire, seconds since the epoch.
        firing: False once it is resolved.
        release: hash of the release it names; empty: it names the service only.
        severity: how bad it is; only a critical one rolls back.
        uid: UID of the resource it means; empty: whichever has the name.
    """

    fingerprint: str
    name: str
    starts_at: float
    firing: bool = True
    release: str = ""
    severity: Severity = "critical"
    uid: str = ""
