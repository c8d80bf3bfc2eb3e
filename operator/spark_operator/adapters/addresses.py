"""Where users' addresses may lead: names are resolved once, and what is found is checked."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA: Final = ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")
"""Metadata services of clouds that are not at a link-local address."""


class UnresolvedError(Exception):
    """A host's name has no address; the message names the host."""


class ForbiddenAddressError(Exception):
    """A host is at an address that nothing may be sent to; the message names the host."""


def is_forbidden(address: Address, *, loopback: bool) -> bool:
    """Return whether nothing may be sent to an address.

    That is so for link-local (metadata services), multicast, reserved and unspecified addresses,
    and for loopback, which would be the operator's own pod, unless it is allowed.
    """
    inner = _inner(address)
    if inner is not None:
        return is_forbidden(inner, loopback=loopback)
    if address.is_loopback:
        return not loopback
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or str(address) in METADATA
    )


def _inner(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to: mapped, or by NAT64 (RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped


async def resolve(host: str, port: int, *, loopback: bool) -> list[Address]:
    """Resolve a host; connect to one of these addresses, because the name may change meanwhile.

    Raises:
        UnresolvedError: it has none.
        ForbiddenAddressError: nothing may be sent to one of them.
    """
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnresolvedError(f"{host} has no address: check the name") from None
    found = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in infos]
    if any(is_forbidden(address, loopback=loopback) for address in found):
        raise ForbiddenAddressError(
            f"{host} is at an address that nothing may be sent to: use another host"
        )
    return list(dict.fromkeys(found))
