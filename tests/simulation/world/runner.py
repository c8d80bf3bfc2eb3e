"""The kubelet's part for Jobs: runs a release's commands once and reports how they ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.simulation.api.paths import Collection
from tests.simulation.world import job_pods, pods, work
from tests.simulation.world.kubelet import PULL_SECONDS, Container

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.model.objects import Manifest
    from tests.simulation.api.server import ApiServer, Change
    from tests.simulation.world.database import Database, Run
    from tests.simulation.world.kubelet import Kubelet

ACTOR: Final = "kubelet"
STOP_SECONDS: Final = 0.5
"""How long a command takes to end on SIGTERM."""
GRACE_SECONDS: Final = 30.0
"""After which one that ignores it is killed."""
SIGTERM_CODE: Final = 143
SIGKILL_CODE: Final = 137


@dataclass(slots=True)
class Command:
    """One pod's process."""

    container: Container
    kind: str
    work: work.Work
    run: Run | None = None
    ended: bool = False


class Runner:
    """Runs the pods of Jobs; what they do to the database happens half way through."""

    def __init__(
        self,
        server: ApiServer,
        kubelet: Kubelet,
        database: Database,
        later: Callable[[float, Callable[[], None]], None],
        start_seconds: Callable[[], float],
    ) -> None:
        self._server = server
        self._kubelet = kubelet
        self._database = database
        self._later = later
        self._start_seconds = start_seconds
        self._commands: dict[str, Command] = {}
        server.listeners.append(self._see)

    def _see(self, change: Change) -> None:
        pod = change.manifest
        if change.collection.plural != "pods" or not job_pods.is_job(pod):
            return
        if change.verb == "ADDED":
            self._admit(pod)
        elif change.verb == "MODIFIED" and pods.is_ending(pod):
            command = self._commands[pod["metadata"]["uid"]]
            stops = STOP_SECONDS if command.work.end != "hangs" else GRACE_SECONDS
            self._later(stops, lambda: self._stop(command))

    def _admit(self, pod: Manifest) -> None:
        container = self._kubelet.enrol(pod)
        kind = job_pods.kind_of(pod)
        behaviour = self._kubelet.behaviour(container.image)
        command = Command(container, kind, behaviour.jobs.get(kind, work.DEFAULT))
        self._commands[container.uid] = command
        if behaviour.pulls:
            self._later(self._start_seconds(), lambda: self._start(command))
        else:
            self._later(PULL_SECONDS, lambda: self._fail_to_pull(command))

    def _fail_to_pull(self, command: Command) -> None:
        why = f'Back-off pulling image "{command.container.image}"'
        self._report(command, lambda pod: job_pods.waiting(pod, "ImagePullBackOff", why))

    def _start(self, command: Command) -> None:
        if command.ended or not self._is_there(command):
            return
        container, now = command.container, self._server.now()
        job = container.name.rpartition("-")[0]
        command.run = self._database.begin(command.kind, container.release, job, now)
        self._report(command, lambda pod: job_pods.running(pod, now, container.ip))
        half = command.work.seconds / 2
        match command.work.end:
            case "hangs":
                return
            case "is killed":
                self._later(half, lambda: self._end(command, SIGKILL_CODE, "OOMKilled", ""))
            case "is killed after its commit":
                self._later(half, lambda: self._commit(command))
                self._later(half + 0.1, lambda: self._end(command, SIGKILL_CODE, "OOMKilled", ""))
            case "fails":
                self._later(command.work.seconds, lambda: self._finish(command, 1))
            case _:
                self._later(half, lambda: self._commit(command))
                self._later(command.work.seconds, lambda: self._finish(command, 0))

    def _commit(self, command: Command) -> None:
        if command.run is not None and not command.ended:
            self._database.commit(command.run)

    def _finish(self, command: Command, code: int) -> None:
        schema = self._database.schema(command.container.release)
        said = work.report(command.kind, command.work, schema)
        if command.work.end == "garbles":
            said = "Traceback (most recent call last):"
        self._end(command, code, "Error" if code else "Completed", said)

    def _end(self, command: Command, code: int, reason: str, message: str) -> None:
        if command.ended:
            return
        command.ended = True
        now = self._server.now()
        if command.run is not None:
            command.run.ended, command.run.passed = now, code == 0
        self._report(command, lambda pod: job_pods.ended(pod, now, code, reason, message))

    def _stop(self, command: Command) -> None:
        code = SIGKILL_CODE if command.work.end == "hangs" else SIGTERM_CODE
        self._end(command, code, "Error", "")
        if self._is_there(command):
            self._server.remove(ACTOR, self._pods(command), command.container.name)

    def _is_there(self, command: Command) -> bool:
        pod = self._server.all(self._pods(command)).get(command.container.name)
        return pod is not None and pod["metadata"]["uid"] == command.container.uid

    def _report(self, command: Command, change: Callable[[Manifest], Manifest]) -> None:
        if self._is_there(command):
            pod = self._server.all(self._pods(command))[command.container.name]
            self._server.replace(ACTOR, self._pods(command), change(pod))

    def _pods(self, command: Command) -> Collection:
        return Collection("v1", "pods", command.container.namespace)
