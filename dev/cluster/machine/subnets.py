"""Which addresses a clone's cluster uses: one /16, chosen so that it is nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_network
from typing import TYPE_CHECKING

from dev.cluster.errors import PreconditionError, SubnetsTakenError

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = 16
CANDIDATES = tuple(
    IPv4Network(f"{first}.{second}.0.0/{PREFIX}")
    for first, seconds in ((10, range(128, 250)), (100, range(64, 128)), (172, range(20, 32)))
    for second in seconds
)


@dataclass(frozen=True)
class Subnets:
    """The parts of a clone's /16: pods, Services and the link between host and node."""

    whole: IPv4Network

    @property
    def pods(self) -> IPv4Network:
        """Lower half: 32,766 pod addresses."""
        return next(self.whole.subnets(prefixlen_diff=1))

    @property
    def services(self) -> IPv4Network:
        """Third quarter: addresses of Services."""
        return list(self.whole.subnets(prefixlen_diff=2))[2]

    @property
    def link(self) -> IPv4Network:
        """Last four addresses: the veth pair."""
        return list(self.whole.subnets(new_prefix=30))[-1]

    @property
    def host(self) -> IPv4Interface:
        """The host's end of the link."""
        return IPv4Interface(f"{self.link[1]}/{self.link.prefixlen}")

    @property
    def node(self) -> IPv4Interface:
        """The node's end of the link; the apiserver listens here."""
        return IPv4Interface(f"{self.link[2]}/{self.link.prefixlen}")

    @property
    def kubernetes(self) -> IPv4Address:
        """Address of the Service ``kubernetes``."""
        return self.services[1]

    @property
    def dns(self) -> IPv4Address:
        """Address of the Service ``kube-dns``."""
        return self.services[10]


def choose(key: str, taken: Iterable[IPv4Network], wanted: str | None = None) -> Subnets:
    """Return the first free range, starting where the clone's key points.

    ``key`` is hexadecimal; ``taken`` are the machine's routes and the other clones' ranges
    (a default route is no obstacle); ``wanted`` is the user's own choice, a /16.

    Raises:
        PreconditionError: ``wanted`` is no /16.
        SubnetsTakenError: ``wanted``, or every candidate, overlaps something taken.
    """
    obstacles = [network for network in taken if network.prefixlen > 0]
    candidates = _rotated(key) if wanted is None else (_parsed(wanted),)
    for candidate in candidates:
        if not any(candidate.overlaps(obstacle) for obstacle in obstacles):
            return Subnets(candidate)
    what = "Every address range the cluster could use" if wanted is None else wanted
    raise SubnetsTakenError(
        f"{what} overlaps a route of this machine or another clone's cluster:"
        f" set SPARK_CLUSTER_SUBNET to a free private /{PREFIX}."
    )


def _rotated(key: str) -> tuple[IPv4Network, ...]:
    start = int(key, 16) % len(CANDIDATES)
    return CANDIDATES[start:] + CANDIDATES[:start]


def _parsed(wanted: str) -> IPv4Network:
    try:
        network = ip_network(wanted)
    except ValueError:
        network = None
    if not isinstance(network, IPv4Network) or network.prefixlen != PREFIX:
        raise PreconditionError(
            f"SPARK_CLUSTER_SUBNET is {wanted!r}, which is no IPv4 /{PREFIX}:"
            " write one such as 10.200.0.0/16."
        )
    return network
