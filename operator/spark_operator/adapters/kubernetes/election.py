"""Who leads: the rules of a Lease, as pure functions.

Source: k8s.io/client-go/tools/leaderelection.  A lease is believed to be held until it was not
renewed for its whole duration *as seen by the observer's own clock*: times written by others are
never compared with ours, so clocks may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spark_operator.api.fields import format_time, to_time

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest

LEASE_SECONDS: Final = 10
RENEW_SECONDS: Final = 6.0
RETRY_SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Sighting:
    """A lease as it was last seen to change; ``at`` is the observer's own clock, in seconds."""

    version: str
    at: float


def sight(lease: Manifest, before: Sighting | None, now: float) -> Sighting:
    """The sighting after looking at a lease: ``before``, unless the lease has changed."""
    version = lease["metadata"]["resourceVersion"]
    return before if before and before.version == version else Sighting(version, now)


def may_take(lease: Manifest, seen: Sighting, identity: str, now: float) -> bool:
    """Whether ``identity`` may write itself into the lease."""
    spec = lease.get("spec") or {}
    holder = spec.get("holderIdentity") or ""
    duration = int(spec.get("leaseDurationSeconds") or LEASE_SECONDS)
    return holder in ("", identity) or now - seen.at > duration


def taken(lease: Manifest, identity: str, now: float) -> Manifest:
    """The lease with ``identity`` as its holder, renewed; resourceVersion kept, to be compared."""
    spec = dict(lease.get("spec") or {})
    if spec.get("holderIdentity") != identity:
        spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
        spec["acquireTime"] = _micro(now)
    return lease | {
        "spec": spec
        | {
            "holderIdentity": identity,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": _micro(now),
        }
    }


def released(lease: Manifest) -> Manifest:
    """The lease given up, so that the next holder need not wait."""
    spec = dict(lease.get("spec") or {}) | {"holderIdentity": "", "leaseDurationSeconds": 1}
    return lease | {"spec": spec}


def fresh(namespace: str, name: str) -> Manifest:
    """A lease that nobody holds yet."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"leaseDurationSeconds": LEASE_SECONDS, "leaseTransitions": 0},
    }


def _micro(now: float) -> str:
    """MicroTime, which the Lease API wants: RFC 3339 with six digits."""
    text = format_time(to_time(float(int(now))))
    return f"{text[:-1]}.{int(now % 1 * 1_000_000):06d}Z"
