"""Certificates, configuration, cgroups, archives and progress: what others will read."""

from __future__ import annotations

import io
import json
import ssl
import stat
import tarfile
import threading
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import yaml
from rich.console import Console

from dev.cluster.artifacts import pause
from dev.cluster.config import Layout
from dev.cluster.machine import cgroups
from dev.cluster.machine.progress import Progress
from dev.cluster.machine.subnets import Subnets
from dev.cluster.node import addons, components, containerd, pki

if TYPE_CHECKING:
    from pathlib import Path

SUBNETS = Subnets(IPv4Network("10.200.0.0/16"))
URL = "https://10.200.255.254:6443"


def layout(folder: Path) -> Layout:
    folder.joinpath("state").mkdir()
    return Layout(folder, "0123abcd", folder / "state", folder / "run", folder / "cache")


def test_every_certificate_is_the_authoritys_and_keys_are_private(tmp_path: Path) -> None:
    _, control = pki.control_plane(tmp_path, ("127.0.0.1",))
    context = ssl.create_default_context(cafile=str(control.authority.cert))
    for pair in (control.server, control.admin, control.kubelet_client):
        context.load_cert_chain(pair.cert, pair.key)
        assert stat.S_IMODE(pair.key.stat().st_mode) == 0o600


def test_a_client_trusts_the_server_by_address(tmp_path: Path) -> None:
    _, control = pki.control_plane(tmp_path, ("127.0.0.1",))
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(control.server.cert, control.server.key)
    server_context.load_verify_locations(control.authority.cert)
    server_context.verify_mode = ssl.CERT_REQUIRED
    client_context = ssl.create_default_context(cafile=str(control.authority.cert))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    client_context.load_cert_chain(control.admin.cert, control.admin.key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    subject = server.getpeercert()
    assert subject is not None
    assert (("organizationName", "system:masters"),) in subject["subject"]


def test_kubeconfigs_stand_alone_and_are_private(tmp_path: Path) -> None:
    authority, control = pki.control_plane(tmp_path, ("127.0.0.1",))
    node = pki.node(authority, tmp_path, "spark-0123abcd", SUBNETS, URL)
    content = yaml.safe_load(node.kubelet.read_text())
    assert content["clusters"][0]["cluster"]["server"] == URL
    assert "certificate-authority-data" in content["clusters"][0]["cluster"]
    assert stat.S_IMODE(node.kubelet.stat().st_mode) == 0o600
    assert control.admin.cert.exists()


def test_configuration_names_nothing_outside_the_clones_own_folders(tmp_path: Path) -> None:
    mine = layout(tmp_path)
    for line in containerd.configuration(mine, "overlayfs").splitlines():
        if "/" in line and "=" in line and "_image" not in line and "bin_dir" not in line:
            assert f'"{tmp_path}' in line
    network = json.loads(containerd.cni(mine, SUBNETS))
    assert network["name"] == mine.name
    assert network["plugins"][0]["ipam"]["dataDir"].startswith(str(tmp_path))


def test_the_kubelet_restarts_killed_containers_at_once(tmp_path: Path) -> None:
    mine = layout(tmp_path)
    authority, _ = pki.control_plane(tmp_path, ("127.0.0.1",))
    node = pki.node(authority, tmp_path, mine.name, SUBNETS, URL)
    components.kubelet(mine, SUBNETS, node)
    settings = yaml.safe_load((mine.state / "kubelet.yaml").read_text())
    assert settings["crashLoopBackOff"] == {"maxContainerRestartPeriod": "1s"}
    assert settings["cgroupRoot"] == f"/{mine.name}"
    assert settings["clusterDNS"] == ["10.200.128.10"]


def test_names_are_answered_at_the_node() -> None:
    objects = dict(addons.objects(SUBNETS))
    service = objects["/api/v1/namespaces/kube-system/services/kube-dns"]
    assert service["spec"]["clusterIP"] == "10.200.128.10"
    assert "selector" not in service["spec"]
    endpoints = [each for each in objects.values() if each["kind"] == "EndpointSlice"]
    assert endpoints[0]["endpoints"][0]["addresses"] == ["10.200.255.254"]


def test_a_cgroup_is_made_and_removed_in_every_hierarchy(tmp_path: Path) -> None:
    for hierarchy in ("cpuset", "memory"):
        (tmp_path / hierarchy).mkdir()
    (tmp_path / "cpu").symlink_to("memory")
    cgroups.create("spark-x", tmp_path)
    (tmp_path / "memory/spark-x/kubepods/pod1").mkdir(parents=True)
    assert cgroups.exists("spark-x", tmp_path)
    assert (tmp_path / "cpuset/spark-x").is_dir()
    cgroups.remove("spark-x", tmp_path)
    assert not cgroups.exists("spark-x", tmp_path)
    assert (tmp_path / "memory").is_dir()


def test_a_cgroup_outweighs_single_processes(tmp_path: Path) -> None:
    group = tmp_path / "cpu" / "spark-x"
    group.mkdir(parents=True)
    (group / "cpu.shares").write_text("1024")
    cgroups.create("spark-x", tmp_path)
    assert (group / "cpu.shares").read_text() == "10240"
    assert not (group / "cpu.weight").exists()


def test_the_pause_archive_holds_one_runnable_file(tmp_path: Path) -> None:
    (tmp_path / "pause").write_bytes(b"binary")
    pause.archive(tmp_path / "pause", "localhost/pause:1", tmp_path / "pause.tar")
    with tarfile.open(tmp_path / "pause.tar") as tar:
        files = {name: _content(tar, name) for name in tar.getnames()}
    entry = json.loads(files["index.json"])["manifests"][0]
    assert entry["annotations"] == {"io.containerd.image.name": "localhost/pause:1"}
    manifest = json.loads(files[f"blobs/{entry['digest'].replace(':', '/')}"])
    layer = files[f"blobs/{manifest['layers'][0]['digest'].replace(':', '/')}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert tar.getmember("pause").mode == 0o755
        assert _content(tar, "pause") == b"binary"


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def test_steps_are_plain_lines_with_the_time_where_there_is_no_terminal() -> None:
    now, text = iter([0.0, 1.0, 9.5, 9.5]), io.StringIO()
    progress = Progress(console=Console(file=text), clock=lambda: next(now))
    with progress.step("building"):
        pass
    assert text.getvalue() == "[   9.5 s] building: 8.5 s\n"


def test_a_long_step_goes_on_telling() -> None:
    told = threading.Event()

    class Listener(io.StringIO):
        def write(self, text: str) -> int:
            told.set()
            return super().write(text)

    listener = Listener()
    progress = Progress(console=Console(file=listener), heartbeat=0.01)
    with progress.step("building"):
        assert told.wait(10)
    assert "building ..." in listener.getvalue()
