"""The cluster's own network: a namespace, a veth pair to the host, and one route to it."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from dev.cluster.errors import CommandError
from dev.cluster.machine import shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cluster.config import Layout
    from dev.cluster.machine.subnets import Subnets

NODE_INTERFACE = "eth0"


def create(layout: Layout, subnets: Subnets) -> None:
    """Make the namespace and connect it; pods and Services are reached through the node."""
    outside, peer = layout.host_interface, f"{layout.host_interface}n"[-15:]
    shell.run(["ip", "netns", "add", layout.name])
    shell.run(["ip", "link", "add", outside, "type", "veth", "peer", "name", peer])
    shell.run(["ip", "link", "set", peer, "netns", layout.name, "name", NODE_INTERFACE])
    shell.run(["ip", "address", "add", str(subnets.host), "dev", outside])
    shell.run(["ip", "link", "set", outside, "up"])
    inside = ["ip", "-n", layout.name]
    shell.run([*inside, "address", "add", str(subnets.node), "dev", NODE_INTERFACE])
    shell.run([*inside, "link", "set", NODE_INTERFACE, "up"])
    shell.run([*inside, "link", "set", "lo", "up"])
    shell.run([*inside, "route", "add", "default", "via", str(subnets.host.ip)])
    shell.run(["ip", "route", "add", str(subnets.whole), "via", str(subnets.node.ip)])
    shell.run([*enter(layout), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])


def enter(layout: Layout) -> list[str]:
    """Return the command prefix that runs something inside the network namespace.

    ``ip netns exec`` would remount /sys and hide the cgroups.
    """
    return ["nsenter", f"--net={layout.netns}", "--"]


def remove(layout: Layout) -> None:
    """Take the network away; whatever is already gone is no error."""
    for command in (["link", "delete", layout.host_interface], ["netns", "delete", layout.name]):
        try:
            shell.run(["ip", *command])
        except CommandError:
            continue


def exists(layout: Layout) -> bool:
    """Tell whether anything of this clone's network is there."""
    return layout.netns.exists() or layout.host_interface in _interfaces()


def _interfaces() -> set[str]:
    return {str(link["ifname"]) for link in json.loads(shell.run(["ip", "-j", "link", "show"]))}


def routes() -> list[IPv4Network]:
    """Return the networks that this machine's routes lead to; a default route is left out."""
    return list(_parsed(shell.run(["ip", "-j", "-4", "route", "show", "table", "all"])))


def _parsed(listing: str) -> Iterator[IPv4Network]:
    for route in json.loads(listing or "[]"):
        target = str(route.get("dst", "default"))
        if target != "default":
            yield IPv4Network(target, strict=False)
