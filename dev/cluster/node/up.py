"""Bringing a clone's cluster up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.cluster.artifacts import binaries, images, pause
from dev.cluster.errors import ProcessDiedError
from dev.cluster.machine import (
    cgroups,
    filesystem,
    netns,
    packages,
    preconditions,
    processes,
    shell,
    subnets,
)
from dev.cluster.node import addons, components, containerd, pki
from dev.cluster.node.api import Api, wait
from dev.cluster.node.down import is_anything_there, state_file, tear_down
from dev.cluster.node.state import StateFile, locked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network

    from dev.cluster.artifacts.binaries import Binaries
    from dev.cluster.config import Layout
    from dev.cluster.machine.progress import Progress
    from dev.cluster.machine.subnets import Subnets
    from dev.cluster.node.state import ProcessRecord

READY_SECONDS = 120.0


def is_running(layout: Layout) -> bool:
    """Tell whether the cluster came up and all of it still runs."""
    state = state_file(layout).read()
    return state.ready and all(processes.is_alive(record) for record in state.processes)


def bring_up(layout: Layout, progress: Progress, wanted_subnet: str | None = None) -> None:
    """Bring the cluster up, from whatever an earlier attempt left.

    Raises:
        PreconditionError: the machine lacks something; the message says what to do.
        ProcessDiedError, NotReadyError: a component failed; the cluster is taken down again.
    """
    preconditions.check(layout, built=(layout.cache / "bin" / binaries.digest()).exists())
    packages.ensure(packages.CLUSTER, progress)
    built = binaries.ensure(layout.cache, progress)
    if is_anything_there(layout):
        with progress.step("removing what an earlier cluster left"):
            tear_down(layout)
    try:
        _Start(layout, built, progress).run(_claim_subnet(layout, wanted_subnet))
    except BaseException:
        tear_down(layout)
        raise


def _claim_subnet(layout: Layout, wanted: str | None) -> Subnets:
    # Two clones that start at the same moment must not choose the same.
    with locked(layout.state.parent / "lock"):
        chosen = subnets.choose(layout.key, [*netns.routes(), *_claimed(layout)], wanted)
        state_file(layout).update(subnet=chosen.whole)
    return chosen


def _claimed(layout: Layout) -> list[IPv4Network]:
    states = [StateFile(path, path).read() for path in layout.state.parent.glob("*/state.json")]
    return [state.subnet for state in states if state.subnet is not None]


class _Start:
    """One attempt to start everything, in order."""

    def __init__(self, layout: Layout, built: Binaries, progress: Progress) -> None:
        self._layout = layout
        self._built = built
        self._progress = progress
        self._state = state_file(layout)
        self._records: list[ProcessRecord] = []

    def run(self, chosen: Subnets) -> None:
        layout = self._layout
        url = f"https://{chosen.node.ip}:{components.API_PORT}"
        for folder in (layout.run, layout.state, layout.logs):
            folder.mkdir(parents=True, exist_ok=True)
        for old in layout.logs.glob("*.log"):
            old.unlink()
        with self._progress.step("making network, certificates and control groups"):
            netns.create(layout, chosen)
            cgroups.create(layout.name)
            hosts = (str(chosen.node.ip), str(chosen.kubernetes), "127.0.0.1")
            authority, control = pki.control_plane(layout.pki, hosts)
            node = pki.node(authority, layout.pki, layout.name, chosen, url)
        with Api(url, control) as api:
            with self._progress.step("starting the control plane"):
                runtime = self._control_plane(chosen, control)
                wait("kube-apiserver", api.is_ready, seconds=READY_SECONDS, check=self._check)
            with self._progress.step("starting the node"):
                self._node(chosen, control, node, runtime)
                for path, wanted in addons.objects(chosen):
                    api.apply(path, wanted)
                self._wait_for_node(api)
        self._finish(url, control)

    def _control_plane(self, chosen: Subnets, control: pki.ControlPlanePki) -> ProcessRecord:
        layout = self._layout
        inside = netns.enter(layout)
        self._spawn(
            "etcd", [*inside, str(self._built.node), *components.etcd(layout.state / "etcd")]
        )
        where = components.ApiServer(str(chosen.node.ip), components.API_PORT, str(chosen.services))
        self._spawn(
            "kube-apiserver",
            [*inside, str(self._built.node), *components.apiserver(where, control)],
        )
        snapshotter = "native" if filesystem.is_overlay(layout.images) else "overlayfs"
        containerd.write(layout, chosen, snapshotter)
        images.claim(layout)
        return self._spawn("containerd", containerd.command(layout))

    def _node(
        self,
        chosen: Subnets,
        control: pki.ControlPlanePki,
        node: pki.NodePki,
        runtime: ProcessRecord,
    ) -> None:
        layout = self._layout
        self._import_pause()
        beside = containerd.enter(layout, runtime.pid)
        for arguments in (
            components.controller_manager(layout, control, node.controller_manager),
            components.scheduler(node.scheduler),
            components.kubelet(layout, chosen, node),
            components.proxy(layout, chosen, node.proxy),
            components.coredns(layout, node.dns),
        ):
            self._spawn(arguments[0], [*beside, str(self._built.node), *arguments])

    def _import_pause(self) -> None:
        socket = self._layout.containerd_socket
        wait("containerd", socket.exists, seconds=READY_SECONDS, check=self._check)
        archive = self._layout.state / "pause.tar"
        pause.archive(self._built.pause, containerd.PAUSE_IMAGE, archive)
        containerd.ctr(self._layout, "images", "import", str(archive))
        archive.unlink()

    def _wait_for_node(self, api: Api) -> None:
        name = self._layout.name
        for what, is_so in (
            ("the node", lambda: api.is_node_ready(name)),
            ("the default service account", api.has_default_account),
        ):
            wait(what, is_so, seconds=READY_SECONDS, check=self._check)

    def _finish(self, url: str, control: pki.ControlPlanePki) -> None:
        link = self._layout.kubeconfig.parent / "bin" / "kubectl"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(self._built.kubectl)
        pki.kubeconfig(self._layout.kubeconfig, url, control.authority, control.admin)
        self._state.update(ready=True)

    def _spawn(self, name: str, argv: Sequence[str]) -> ProcessRecord:
        record = processes.start(name, argv, self._layout.logs / f"{name}.log")
        self._state.add(record)
        self._records.append(record)
        return record

    def _check(self) -> None:
        for record in self._records:
            if not processes.is_alive(record):
                log = self._layout.logs / f"{record.name}.log"
                raise ProcessDiedError(
                    f"{record.name} ended; the end of {log} says why:\n"
                    + shell.tail(log.read_text(errors="replace"))
                )
