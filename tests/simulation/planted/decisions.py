"""Bugs planted into the operator's own code, and the oracle that must catch each.

What the oracles are worth is what they find: every entry breaks one rule in one place, as a slip of
the hand would, and names the story, the faults and the oracle that show it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from spark_operator.adapters.kubernetes.client import KubeCluster
from spark_operator.core import judge
from spark_operator.core.apply import diff
from spark_operator.core.decide import decide, guards, quarantine, requests, rollback
from spark_operator.core.decide.phases import at_rest, pending, progressing, promotion
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.report import conditions
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import DecisionReason
from spark_operator.core.render import children, policy, service
from spark_operator.reconcile import apply, worker
from tests.simulation.faults import Outage, Plan
from tests.simulation.loop import EPOCH
from tests.simulation.plans import phases
from tests.simulation.planted.alerts import PLANTED_ALERTS
from tests.simulation.planted.isolation import PLANTED_ISOLATION
from tests.simulation.planted.jobs import PLANTED_JOBS
from tests.simulation.planted.leaders import PLANTED_LEADERS
from tests.simulation.planted.planting import Planted
from tests.simulation.world.metrics import Disturbance

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.simulation.oracles.history import History


def _without_guard(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(patch: pytest.MonkeyPatch) -> None:
        kept = tuple(guard for guard in guards.GUARDS if guard.__name__ != name)
        assert len(kept) < len(guards.GUARDS)
        patch.setattr(decide, "GUARDS", kept)

    return plant


def _pass_not_needed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        progressing, "_why_done", lambda draft: "now" if draft.status.step.observed_since else ""
    )


def _no_data_is_pass(patch: pytest.MonkeyPatch) -> None:
    verdict = judge.verdict

    def lenient(*arguments: Any) -> Any:
        found = verdict(*arguments)
        unsure = found.kind in (judge.VerdictKind.NO_DATA, judge.VerdictKind.CONTINUE)
        return replace(found, kind=judge.VerdictKind.PASS) if unsure else found

    patch.setattr(judge, "verdict", lenient)


def _fail_waits(patch: pytest.MonkeyPatch) -> None:
    first: list[float] = []
    cut = guards.cut_failing_release

    def slow(draft: Any) -> Progress:
        if draft.verdict is not None and draft.verdict.kind == judge.VerdictKind.FAIL:
            first.append(draft.now)
        is_late = bool(first) and draft.now - first[0] > 6.0
        return cut(draft) if is_late else Progress.DONE

    patch.setattr(decide, "GUARDS", (slow, *guards.GUARDS[1:]))


def _quarantine_forgotten(patch: pytest.MonkeyPatch) -> None:
    for module in (pending, guards, requests):
        patch.setattr(module, "quarantine", _Instead(find=lambda *_: None))


class _Instead:
    """The module ``quarantine`` with one function replaced."""

    def __init__(self, **functions: Any) -> None:
        self.__dict__.update(vars(quarantine) | functions)


def _quarantine_without_image(patch: pytest.MonkeyPatch) -> None:
    def add(status: Any, role: Any, reason: str, at: Any, _: Any) -> Any:
        return quarantine.add(status, role.model_copy(update={"digest": None}), reason, at)

    patch.setattr(rollback, "quarantine", _Instead(add=add))


def _route_stays_open(patch: pytest.MonkeyPatch) -> None:
    routed = service.routed_release

    def shared(resource: Any) -> Any:
        return None if resource.status.candidate else routed(resource)

    patch.setattr(service, "routed_release", shared)


def _candidate_left_running(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(children, "_candidate_replicas", lambda resource: resource.spec.replicas)


def _stable_makes_room(patch: pytest.MonkeyPatch) -> None:
    counted = children.replicas

    def fewer(resource: Any) -> dict[str, int]:
        counts = counted(resource)
        status = resource.status
        if status.stable and status.candidate:
            counts[status.stable.release] -= 1
        return counts

    patch.setattr(children, "replicas", fewer)


def _previous_not_warm(patch: pytest.MonkeyPatch) -> None:
    counted = children.replicas

    def cold(resource: Any) -> dict[str, int]:
        counts = counted(resource)
        previous = resource.status.previous
        return {
            name: count
            for name, count in counts.items()
            if not previous or name != previous.release
        }

    patch.setattr(children, "replicas", cold)


def _stable_too_soon(patch: pytest.MonkeyPatch) -> None:
    install = pending._install

    def hasty(draft: Any) -> None:
        spec = draft.resource.spec.model_copy(update={"replicas": 1})
        real, draft.resource = draft.resource, draft.resource.model_copy(update={"spec": spec})
        install(draft)
        draft.resource = real

    patch.setattr(pending, "_install", hasty)


def _nothing_deleted(patch: pytest.MonkeyPatch) -> None:
    def keeping(*arguments: Any) -> Any:
        return [write for write in diff.diff(*arguments) if isinstance(write, diff.Apply)]

    patch.setattr(apply, "diff", keeping)


def _additions_left(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(diff, "stripping", lambda *_: None)


def _no_fence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(diff, "_fenced", lambda wanted, _: wanted)
    patch.setattr(diff, "epoch", lambda *_: 0)


def _status_overwritten(patch: pytest.MonkeyPatch) -> None:
    write = KubeCluster.write_status

    async def forced(self: KubeCluster, resource: dict[str, Any]) -> dict[str, Any]:
        meta = resource["metadata"]
        path = f"/apis/{resource['apiVersion']}/namespaces/{meta['namespace']}/sparkdeployments"
        live = await self.request("GET", f"{path}/{meta['name']}")
        return await write(self, {**resource, "metadata": live["metadata"]})

    patch.setattr(KubeCluster, "write_status", forced)


def _always_reconciling(patch: pytest.MonkeyPatch) -> None:
    story = conditions._reconciling

    def wrong(draft: Any, stalled: Any) -> Any:
        return story(draft, stalled)._replace(holds=draft.phase is not Phase.STABLE)

    patch.setattr(conditions, "_reconciling", wrong)


def _generation_ignored(patch: pytest.MonkeyPatch) -> None:
    observe = decide._observe_roles

    def stale(draft: Any) -> None:
        before = draft.status.observed_generation
        observe(draft)
        draft.set(observed_generation=max(1, before))

    patch.setattr(decide, "_observe_roles", stale)


def _written_every_turn(patch: pytest.MonkeyPatch) -> None:
    conclude = decide._conclude

    def stamped(draft: Any) -> None:
        conclude(draft)
        draft.set(epoch=draft.status.epoch + 1)

    patch.setattr(decide, "_conclude", stamped)


def _provider_blamed(patch: pytest.MonkeyPatch) -> None:
    observe = judge.observe

    def blaming(plan: Any, state: Any, tick: Any) -> Any:
        def blame(sample: Any) -> Any:
            values = sample.values
            if values is None:
                return sample
            failures = values.failures_app + values.failures_provider
            wrong = replace(values, failures_app=failures, failures_provider=0.0)
            return replace(sample, values=wrong)

        candidate = tuple(map(blame, tick.candidate))
        return observe(plan, state, replace(tick, candidate=candidate, stable=()))

    patch.setattr(judge, "observe", blaming)


def _asked_again_and_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(requests, "_is_consumed", lambda *_: False)


def _patient_retry(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(worker, "FIRST_DELAY", 30.0)
    patch.setattr(worker, "LONGEST_URGENT_DELAY", 120.0)


def _third_release_ignored(patch: pytest.MonkeyPatch) -> None:
    guarding = promotion.guarding

    def keeping(draft: Any) -> None:
        previous = draft.status.previous
        guarding(draft)
        if draft.phase is Phase.PENDING:
            draft.set(previous=previous)

    patch.setitem(decide.HANDLERS, Phase.GUARDING, keeping)
    start = pending._start_trial

    def crowded(draft: Any) -> None:
        previous = draft.status.previous
        start(draft)
        draft.set(previous=previous)

    patch.setattr(pending, "_start_trial", crowded)
    patch.setattr(
        "spark_operator.core.decide.draft.RolloutDraft.third_release", property(lambda _: False)
    )


def _step_skipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        progressing,
        "next_step",
        lambda draft, why, _: progressing.promote(draft, why, DecisionReason.PASSED),
    )


def _failure_swept_away(patch: pytest.MonkeyPatch) -> None:
    rolled_back = at_rest.rolled_back

    def forgetful(draft: Any) -> None:
        draft.set(quarantine=())
        rolled_back(draft)

    patch.setitem(decide.HANDLERS, Phase.ROLLED_BACK, forgetful)


def _orphan_config(patch: pytest.MonkeyPatch) -> None:
    made = policy.config_map

    def unowned(*arguments: Any) -> Any:
        manifest = made(*arguments)
        meta = {key: it for key, it in manifest["metadata"].items() if key != "ownerReferences"}
        return manifest | {"metadata": meta}

    patch.setattr(children, "config_map", unowned)


def _api_away_at_the_verdict(reference: History) -> Plan:
    """The API server away for a minute from the moment on that the judge says Fail."""
    said = next(verdict.at for verdict in reference.verdicts if verdict.kind == "Fail")
    # After the last read and before the first write, which takes at least a millisecond.
    return Plan(name="refuse 60 s", outages=(Outage("refuse", said - EPOCH + 0.0005, 60.0),))


def _metrics_away(reference: History) -> Plan:
    since = dict(reversed(phases(reference)))["Progressing 0"]
    wrong = Disturbance("missed", since, since + 120.0)
    return Plan(name="metrics missed", disturbances=(wrong,))


def _partitioned(reference: History) -> Plan:
    """Stopped after the status write that starts the trial."""
    trial_write = _write_after(reference, _revision(reference), "/status")
    return Plan(name="partition before apply", partition=trial_write)


def _partitioned_earlier(reference: History) -> Plan:
    """Stopped between the decision to start the trial and its status write."""
    return Plan(name="partition before persist", partition=_revision(reference))


def _revision(reference: History) -> int:
    """The write of the second release's revision."""
    first = _write_after(reference, 0, "/controllerrevisions")
    return _write_after(reference, first, "/controllerrevisions")


def _write_after(reference: History, write: int, text: str) -> int:
    requests_ = enumerate(reference.requests, start=1)
    return next(number for number, request in requests_ if number > write and text in request)


PLANTED: Final = (
    Planted("weight rises without a Pass", _pass_not_needed, "good-release", "rises-only-on-pass"),
    Planted(
        "no data counts as Pass",
        _no_data_is_pass,
        "good-release",
        "rises-on-samples",
        _metrics_away,
    ),
    Planted("steps are skipped", _step_skipped, "good-release", "steps-follow-the-plan"),
    Planted(
        "Fail is ignored", _without_guard("cut_failing_release"), "bad-release", "ends-as-expected"
    ),
    Planted("Fail waits six seconds", _fail_waits, "bad-release", "cut-in-time"),
    Planted("a deadline is ignored", _without_guard("enforce_deadline"), "never-ready", "finishes"),
    Planted(
        "a newer spec waits", _without_guard("follow_newer_spec"), "newer-spec", "ends-as-expected"
    ),
    Planted("quarantine is never looked up", _quarantine_forgotten, "let-out", "finishes"),
    Planted("quarantine without the image", _quarantine_without_image, "let-out", "finishes"),
    Planted(
        "a restart forgets the quarantine", _failure_swept_away, "bad-release", "ends-as-expected"
    ),
    Planted("the route stays open", _route_stays_open, "bad-release", "cut-in-time"),
    Planted("a failed candidate runs on", _candidate_left_running, "bad-release", "finishes"),
    Planted("stable makes room", _stable_makes_room, "good-release", "stable-keeps-its-pods"),
    Planted("previous is not warm", _previous_not_warm, "fault-in-guard", "cut-in-time"),
    Planted("stable with one pod", _stable_too_soon, "first-install", "stable-keeps-its-pods"),
    Planted("nothing is deleted", _nothing_deleted, "bad-release", "leaks-nothing"),
    Planted("no owner on a ConfigMap", _orphan_config, "delete-in-trial", "leaks-nothing"),
    Planted("additions are left", _additions_left, "additions", "ends-like-reference"),
    Planted("no fence", _no_fence, "good-release", "epochs-never-fall", _partitioned),
    Planted(
        "status is overwritten",
        _status_overwritten,
        "good-release",
        "epochs-never-fall",
        _partitioned_earlier,
    ),
    Planted("Reconciling at rest", _always_reconciling, "bad-release", "conditions-agree"),
    Planted("generation is not observed", _generation_ignored, "revert", "generation-is-observed"),
    Planted("status is written every decision", _written_every_turn, "first-install", "is-quiet"),
    Planted("a request is never consumed", _asked_again_and_again, "let-out", "is-quiet"),
    Planted(
        "the provider's errors are blamed", _provider_blamed, "provider-outage", "ends-as-expected"
    ),
    Planted(
        "retries are too patient",
        _patient_retry,
        "bad-release",
        "cut-in-time",
        _api_away_at_the_verdict,
    ),
    Planted(
        "three releases share the Service",
        _third_release_ignored,
        "release-in-guard",
        "only-roles-get-traffic",
    ),
    *PLANTED_JOBS,
    *PLANTED_ISOLATION,
    *PLANTED_ALERTS,
    *PLANTED_LEADERS,
)
