"""A small world for ``decide``: pods that come and go, users, and an operator that may be killed.

Children follow from status through the real projection; status is stored and read back as JSON, as
the API server would.  Time moves only by ``pass_time``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from spark_operator.api.resource import SparkDeployment, parse
from spark_operator.core import judge
from spark_operator.core.judge import Counters, JudgeState, PodSample, Tick
from spark_operator.core.model.release import Release
from spark_operator.core.observe.observations import Observations
from spark_operator.core.observe.values import Pod, TrafficRoute, Workload
from spark_operator.core.render import children
from spark_operator.core.render.service import routed_release
from tests.unit.operator.core.builders import NOW, body

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.judge import Verdict

deciding = import_module("spark_operator.core.decide.decide")
judging = import_module("spark_operator.core.decide.judging")
"""The module; its package's attribute of this name may be the function."""

START_SECONDS: Final = 2.0
DRAIN_SECONDS: Final = 3.0
REQUESTS_PER_SECOND: Final = 20.0


@dataclass(slots=True)
class LivePod:
    """One pod of the world, with what its counters say."""

    uid: str
    release: str
    born: float
    ready: bool = False
    leaving_since: float | None = None
    requests: float = 0.0
    errors: float = 0.0


@dataclass(frozen=True, slots=True)
class Nature:
    """How a release behaves: share of answers that are errors, and whether its pods get ready."""

    errors: float = 0.0
    starts: bool = True
    image: int = 1


@dataclass(slots=True)
class Decided:
    """One decision as the rules look at it; ``verdict`` is what the judge said in it."""

    before: SparkDeployment
    after: SparkDeployment
    seen: Observations
    decision: Decision
    verdict: Verdict | None
    now: float

    @property
    def after_generation(self) -> int:
        """The generation of the spec that was decided on."""
        return self.before.metadata.generation


@dataclass(slots=True)
class World:
    """A resource and everything around it; ``now`` is seconds since the epoch."""

    text: dict[str, Any] = field(default_factory=body)
    now: float = NOW
    natures: dict[str, Nature] = field(default_factory=dict)
    outage: float = 0.0
    """Share of errors that a provider's failure puts on every release alike."""
    scrapes: bool = True
    pods: list[LivePod] = field(default_factory=list)
    deployments: dict[str, int] = field(default_factory=dict)
    route: TrafficRoute | None = None
    revisions: dict[str, Release] = field(default_factory=dict)
    judge: JudgeState | None = None
    watch: bool = False
    decisions: list[Decided] = field(default_factory=list)
    born: int = 0
    answered: dict[str, list[float]] = field(default_factory=dict)
    """Requests and errors of each release, as its users counted them."""
    read: tuple[dict[str, Any], SparkDeployment] | None = None

    @property
    def resource(self) -> SparkDeployment:
        """The resource as it is stored."""
        if self.read is None or self.read[0] is not self.text:
            self.read = (self.text, parse(self.text))
        return self.read[1]

    @property
    def status(self) -> SparkDeploymentStatus:
        """Its status as it is stored."""
        return self.resource.status

    # --- what users and the cluster do -------------------------------------------------------

    def apply(self, **spec: Any) -> None:
        """Change members of the spec."""
        if any(self.text["spec"].get(key) != value for key, value in spec.items()):
            meta = {**self.text["metadata"]}
            meta["generation"] += 1
            self.text = {**self.text, "metadata": meta, "spec": {**self.text["spec"], **spec}}

    def annotate(self, request: str, text: str) -> None:
        """Ask for something once."""
        meta = {**self.text["metadata"]}
        meta["annotations"] = {**meta.get("annotations", {}), f"spark.dev/{request}": text}
        self.text = {**self.text, "metadata": meta}

    def behave(self, release: str, nature: Nature) -> None:
        """Decide how a release behaves from now on."""
        self.natures[release] = nature

    def digest(self, release: str) -> str:
        """The digest of a release's image."""
        return f"sha256:{self._nature(release).image:064x}"

    def pass_time(self, seconds: float) -> None:
        """Pods start and end, users call, all in steps of one second at most."""
        while seconds > 0:
            step = min(seconds, 1.0)
            self.now += step
            seconds -= step
            self._age_pods()
            self._answer(step)

    def _nature(self, release: str) -> Nature:
        return self.natures.get(release, Nature())

    def _age_pods(self) -> None:
        for pod in self.pods:
            starts = self._nature(pod.release).starts
            pod.ready = (
                starts and pod.leaving_since is None and self.now - pod.born >= START_SECONDS
            )
        self.pods = [
            pod
            for pod in self.pods
            if pod.leaving_since is None or self.now - pod.leaving_since < DRAIN_SECONDS
        ]

    def serving(self) -> list[LivePod]:
        """Pods that users' requests reach now."""
        if self.route is None:
            return []
        wanted = self.route.release
        return [pod for pod in self.pods if pod.ready and wanted in (None, pod.release)]

    def _answer(self, seconds: float) -> None:
        serving = self.serving()
        for pod in serving:
            answered = REQUESTS_PER_SECOND * seconds / len(serving)
            errors = answered * max(self._nature(pod.release).errors, self.outage)
            pod.requests += answered
            pod.errors += errors
            total = self.answered.setdefault(pod.release, [0.0, 0.0])
            total[0] += answered
            total[1] += errors

    # --- what the operator does ---------------------------------------------------------------

    def draft(self, *, persisted: bool = True, projected: bool = True) -> Decision:
        """One decision; killed before the status is written, or before the children are."""
        seen, before = self.observe(), self.resource
        decision, verdict = self._decide(before, seen)
        if not persisted:
            self.restart()
            return decision
        desired = Release.of(before.spec)
        self.revisions.setdefault(desired.name, desired)
        stored = json.loads(json.dumps({**self.text, "status": decision.status.to_dict()}))
        self.text = stored
        self.decisions.append(Decided(before, self.resource, seen, decision, verdict, self.now))
        self.judge, self.watch = decision.judge, decision.watch
        if projected:
            self._project()
        else:
            self.restart()
        return decision

    def _decide(
        self, before: SparkDeployment, seen: Observations
    ) -> tuple[Decision, Verdict | None]:
        """Decide, and overhear what the judge says meanwhile."""
        heard: list[Verdict] = []

        def overheard(*given: Any) -> Verdict:
            heard.append(judge.verdict(*given))
            return heard[-1]

        ears = SimpleNamespace(**{**vars(judge), "verdict": overheard})
        with patch.object(judging, "judge", ears):
            decision = deciding.decide(before, seen, self.now)
        return decision, heard[-1] if heard else None

    def restart(self) -> None:
        """Forget what only the process knew."""
        self.judge, self.watch = None, False

    def observe(self) -> Observations:
        """What the operator sees now."""
        releases = {*self.deployments, *(pod.release for pod in self.pods)}
        seen = Observations(
            workloads={name: self._workload(name) for name in releases},
            revisions=dict(self.revisions),
            route=self.route,
            judge=self.judge,
        )
        if not self.watch:
            return seen
        status = self.status
        watched, beside = status.candidate or status.stable, status.previous
        if status.candidate:
            beside = status.stable
        tick = Tick(
            at=self.now,
            candidate=self._samples(watched.release if watched else ""),
            stable=self._samples(beside.release if beside else ""),
        )
        return replace(seen, tick=tick)

    def _workload(self, release: str) -> Workload:
        pods = tuple(
            Pod(
                name=pod.uid,
                uid=pod.uid,
                release=release,
                ip="10.0.0.1",
                ready=pod.ready,
                terminating=pod.leaving_since is not None,
                started_at=pod.born,
                digest=self.digest(release) if pod.ready else None,
            )
            for pod in self.pods
            if pod.release == release
        )
        return Workload(
            release=release,
            exists=release in self.deployments,
            replicas=self.deployments.get(release, 0),
            pods=pods,
        )

    def _samples(self, release: str) -> tuple[PodSample, ...]:
        return tuple(
            PodSample(
                pod=pod.uid,
                at=self.now,
                values=self._counters(pod) if self.scrapes else None,
                ready=pod.ready,
                restarts=0,
                started_at=pod.born,
            )
            for pod in self.pods
            if pod.release == release and pod.leaving_since is None
        )

    def _counters(self, pod: LivePod) -> Counters:
        requests, provider = int(pod.requests), self.outage > 0
        errors = int(min(pod.errors, pod.requests))
        return Counters(
            requests=requests,
            failures_app=0 if provider else errors,
            failures_provider=errors if provider else 0,
            client_errors=0,
            latency_buckets=tuple((le, requests) for le in (1.0, 2.5, 5.0, 10.0, float("inf"))),
            inflight=0,
        )

    def _project(self) -> None:
        resource = self.resource
        self.route = TrafficRoute(routed_release(resource))
        self.deployments = children.replicas(resource)
        for release, wanted in self.deployments.items():
            live = [p for p in self.pods if p.release == release and p.leaving_since is None]
            for pod in live[wanted:]:
                self._end(pod)
            for _ in range(wanted - len(live)):
                self.born += 1
                self.pods.append(LivePod(f"{release}-{self.born}", release, self.now))
        for pod in self.pods:
            if pod.release not in self.deployments and pod.leaving_since is None:
                self._end(pod)

    def _end(self, pod: LivePod) -> None:
        pod.ready, pod.leaving_since = False, self.now
