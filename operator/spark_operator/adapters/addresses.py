"""Where users' addresses may lead: one table of what nothing may be sent to.

Sources: the IANA registries of special-purpose addresses
(https://www.iana.org/assignments/iana-ipv4-special-registry, and the same for IPv6), and clouds'
pages on their metadata services.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FORBIDDEN: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "100.100.100.200/32",  # Alibaba's metadata
        "168.63.129.16/32",  # Azure's host
        "169.254.0.0/16",  # link-local: most clouds' metadata
        "192.0.0.0/24",  # protocol assignments, Oracle's metadata among them
        "224.0.0.0/3",  # multicast, reserved and broadcast
        "::/128",
        "fd00:c1::a9fe:a9fe/128",  # Oracle's metadata
        "fd00:ec2::/32",  # Amazon's metadata, and credentials of pods
        "fd20:ce::254/128",  # Google's metadata
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, deprecated
        "ff00::/8",  # multicast
    )
)
"""Networks that nothing may be sent to, from wherever the operator runs."""
TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
TRANSLATED_HERE: Final = ipaddress.ip_network("64:ff9b:1::/48")
COMPATIBLE: Final = ipaddress.ip_network("::/96")
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})
_WORD: Final = 0xFFFF_FFFF


def is_forbidden(
    address: Address, *, loopback: bool, also: Collection[Address] = frozenset()
) -> bool:
    """Whether nothing may be sent to an address, or to one that it leads to.

    Args:
        address: what would be connected to.
        loopback: whether this machine may be reached, which in a pod would be the operator itself.
        also: more addresses that nothing may be sent to, such as the API server's.
    """
    return any(_refuses(item, loopback, also) for item in (address, *embedded(address)))


def _refuses(address: Address, loopback: bool, also: Collection[Address]) -> bool:
    if address.is_loopback:
        return not loopback
    return address in also or any(address in network for network in FORBIDDEN)


def embedded(address: Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 address may lead to: each form that carries one.

    Mapped and compatible (RFC 4291), 6to4 (RFC 3056), Teredo's server and client (RFC 4380), NAT64
    (RFC 6052, 8215) and ISATAP (RFC 5214).
    """
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    return tuple(dict.fromkeys(_carried(address)))


def _carried(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    number = int(address)
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    last = ipaddress.IPv4Address(number & _WORD)
    if address in TRANSLATED or address in TRANSLATED_HERE or (number >> 32) & _WORD in _ISATAP:
        yield last
    if address in COMPATIBLE and number > 1:
        yield last
    if address in TRANSLATED_HERE:
        # A prefix of 48 bits has the address around the octet that stays zero.
        yield ipaddress.IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF)
