"""Who is who in the cluster: the certificates and kubeconfigs of all components."""

from __future__ import annotations

import os
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from dev.cluster.config import DNS_DOMAIN
from dev.cluster.node.certs import Authority, Pair, signing_key

if TYPE_CHECKING:
    from pathlib import Path

    from dev.cluster.machine.subnets import Subnets

API_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    f"kubernetes.default.svc.{DNS_DOMAIN}",
)
ADMINISTRATORS = "system:masters"


@dataclass(frozen=True)
class ControlPlanePki:
    """What an apiserver needs, and the administrator's certificate."""

    folder: Path
    authority: Pair
    server: Pair
    tokens: Pair
    kubelet_client: Pair
    front_authority: Pair
    front_client: Pair
    admin: Pair


@dataclass(frozen=True)
class NodePki:
    """What the other components need: kubeconfigs, and the kubelet's own server certificate."""

    authority: Pair
    kubelet_server: Pair
    kubelet: Path
    controller_manager: Path
    scheduler: Path
    proxy: Path
    dns: Path


def control_plane(folder: Path, hosts: tuple[str, ...]) -> tuple[Authority, ControlPlanePki]:
    """Make the authority and the apiserver's certificates; ``hosts`` are its addresses."""
    authority = Authority(folder, "ca")
    front = Authority(folder, "front-proxy-ca")
    admins = (ADMINISTRATORS,)
    return authority, ControlPlanePki(
        folder=folder,
        authority=authority.pair,
        server=authority.issue("apiserver", user="kube-apiserver", hosts=(*API_NAMES, *hosts)),
        tokens=signing_key(folder, "service-accounts"),
        kubelet_client=authority.issue("apiserver-kubelet", user="apiserver", groups=admins),
        front_authority=front.pair,
        front_client=front.issue("front-proxy-client", user="front-proxy-client"),
        admin=authority.issue("admin", user="admin", groups=admins),
    )


def node(authority: Authority, folder: Path, name: str, subnets: Subnets, url: str) -> NodePki:
    """Make the other components' identities, all of which talk to the apiserver at ``url``."""

    def identity(file: str, user: str, *groups: str) -> Path:
        pair = authority.issue(file, user=user, groups=groups)
        return kubeconfig(folder / f"{file}.kubeconfig", url, authority.pair, pair)

    return NodePki(
        authority=authority.pair,
        kubelet_server=authority.issue(
            "kubelet-server", user=f"system:node:{name}", hosts=(name, str(subnets.node.ip))
        ),
        kubelet=identity("kubelet", f"system:node:{name}", "system:nodes"),
        controller_manager=identity("controller-manager", "system:kube-controller-manager"),
        scheduler=identity("scheduler", "system:kube-scheduler"),
        proxy=identity("kube-proxy", "system:kube-proxy"),
        dns=identity("coredns", "system:coredns"),
    )


def kubeconfig(path: Path, url: str, authority: Pair, client: Pair, context: str = "spark") -> Path:
    """Write a kubeconfig that holds its certificates itself, readable by its owner only."""
    cluster = {"server": url, "certificate-authority-data": _base64(authority.cert)}
    user = {
        "client-certificate-data": _base64(client.cert),
        "client-key-data": _base64(client.key),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": user}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "current-context": context,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(content, file)
    return path


def _base64(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()
