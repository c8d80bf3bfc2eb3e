"""Command lines and configuration files of the node's components.

Ports and folders are the node's own: everything runs in the clone's network namespace.
CoreDNS is a process beside the others instead of pods: no image to build, no pull, and names
resolve before the first pod starts.  Pods find it through the usual Service ``kube-dns``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from dev.cluster.config import DNS_DOMAIN

if TYPE_CHECKING:
    from pathlib import Path

    from dev.cluster.config import Layout
    from dev.cluster.machine.subnets import Subnets
    from dev.cluster.node.certs import Pair
    from dev.cluster.node.pki import ControlPlanePki, NodePki

ETCD_CLIENTS = "http://127.0.0.1:2379"
ETCD_PEERS = "http://127.0.0.1:2380"
API_PORT = 6443


def etcd(data: Path, clients: str = ETCD_CLIENTS, peers: str = ETCD_PEERS) -> list[str]:
    """Return etcd's arguments; the cluster is a throw-away one, so nothing waits for the disk."""
    return [
        "etcd", f"--data-dir={data}", "--name=node", "--unsafe-no-fsync", "--log-level=warn",
        f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=node={peers}", "--quota-backend-bytes=2147483648",
    ]  # fmt: skip


@dataclass(frozen=True)
class ApiServer:
    """Where an apiserver listens and keeps its data."""

    address: str
    port: int
    services: str
    etcd: str = ETCD_CLIENTS


def apiserver(where: ApiServer, pki: ControlPlanePki) -> list[str]:
    """Return kube-apiserver's arguments."""
    return [
        "kube-apiserver", f"--etcd-servers={where.etcd}", "--allow-privileged=true",
        f"--bind-address={where.address}", f"--advertise-address={where.address}",
        f"--secure-port={where.port}", f"--service-cluster-ip-range={where.services}",
        f"--tls-cert-file={pki.server.cert}", f"--tls-private-key-file={pki.server.key}",
        f"--client-ca-file={pki.authority.cert}", "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction", f"--cert-dir={pki.folder}",
        f"--service-account-issuer=https://kubernetes.default.svc.{DNS_DOMAIN}",
        f"--service-account-key-file={pki.tokens.cert}",
        f"--service-account-signing-key-file={pki.tokens.key}",
        f"--kubelet-client-certificate={pki.kubelet_client.cert}",
        f"--kubelet-client-key={pki.kubelet_client.key}",
        f"--kubelet-certificate-authority={pki.authority.cert}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki.front_authority.cert}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki.front_client.cert}",
        f"--proxy-client-key-file={pki.front_client.key}",
    ]  # fmt: skip


def controller_manager(layout: Layout, pki: ControlPlanePki, kubeconfig: Path) -> list[str]:
    """Return kube-controller-manager's arguments."""
    return [
        "kube-controller-manager", *_clients(kubeconfig), "--bind-address=127.0.0.1",
        "--leader-elect=false", "--use-service-account-credentials=true",
        f"--root-ca-file={pki.authority.cert}",
        f"--service-account-private-key-file={pki.tokens.key}",
        f"--cluster-signing-cert-file={pki.authority.cert}",
        f"--cluster-signing-key-file={pki.authority.key}",
        f"--flex-volume-plugin-dir={layout.state}/volume-plugins",
    ]  # fmt: skip


def scheduler(kubeconfig: Path) -> list[str]:
    """Return kube-scheduler's arguments."""
    local = ["--bind-address=127.0.0.1", "--leader-elect=false"]
    return ["kube-scheduler", *_clients(kubeconfig), *local]


def _clients(kubeconfig: Path) -> list[str]:
    flags = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    return [f"--{flag}={kubeconfig}" for flag in flags]


def kubelet(layout: Layout, subnets: Subnets, pki: NodePki) -> list[str]:
    """Write the kubelet's configuration and return its arguments."""
    config = layout.state / "kubelet.yaml"
    config.write_text(yaml.safe_dump(_kubelet_configuration(layout, subnets, pki)))
    return [
        "kubelet", f"--config={config}", f"--kubeconfig={pki.kubelet}",
        f"--hostname-override={layout.name}", f"--node-ip={subnets.node.ip}",
        f"--root-dir={layout.state}/kubelet", f"--cert-dir={layout.pki}",
    ]  # fmt: skip


def _kubelet_configuration(layout: Layout, subnets: Subnets, pki: NodePki) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(subnets.node.ip),
        "authentication": _authentication(pki.authority),
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.name}",
        "clusterDNS": [str(subnets.dns)],
        "clusterDomain": DNS_DOMAIN,
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        # Tests that kill containers would otherwise wait for minutes.
        "crashLoopBackOff": {"maxContainerRestartPeriod": "1s"},
        "enforceNodeAllocatable": [],
        # A share of the disk says nothing on a machine that others fill too, and an image that
        # is collected can't be pulled again.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "500Mi"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "resolvConf": str(_empty(layout.state / "resolv.conf")),
        "staticPodPath": "",
        # How soon a changed Secret or ConfigMap is seen in a pod.
        "syncFrequency": "10s",
        "tlsCertFile": str(pki.kubelet_server.cert),
        "tlsPrivateKeyFile": str(pki.kubelet_server.key),
        "volumePluginDir": f"{layout.state}/volume-plugins",
    }


def _authentication(authority: Pair) -> dict[str, Any]:
    return {
        "anonymous": {"enabled": False},
        "webhook": {"enabled": True},
        "x509": {"clientCAFile": str(authority.cert)},
    }


def _empty(path: Path) -> Path:
    path.write_text("")
    return path


def proxy(layout: Layout, subnets: Subnets, kubeconfig: Path) -> list[str]:
    """Write kube-proxy's configuration and return its arguments."""
    # Zero leaves the machine's own connection tracking settings alone.
    conntrack = {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}
    config = layout.state / "kube-proxy.json"
    settings = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": str(subnets.pods),
        "conntrack": conntrack,
        "hostnameOverride": layout.name,
        "mode": "iptables",
    }
    config.write_text(json.dumps(settings))
    return ["kube-proxy", f"--config={config}"]


def coredns(layout: Layout, kubeconfig: Path) -> list[str]:
    """Write CoreDNS's configuration and return its arguments."""
    config = layout.state / "Corefile"
    config.write_text(f""".:53 {{
    errors
    health 127.0.0.1:8080
    ready 127.0.0.1:8181
    kubernetes {DNS_DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig}
        ttl 5
    }}
    cache 5
    loadbalance
}}
""")
    return ["coredns", "-conf", str(config)]
