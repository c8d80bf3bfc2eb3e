"""Random histories: people, pods, users, providers and kills in any order, and no rule broken."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from spark_operator.core.decide.decide import decide
from spark_operator.core.model.release import Release
from tests.property.operator.core.rules import Watcher
from tests.property.operator.core.world import Nature, World
from tests.unit.operator.core.builders import IMAGES, resource

NATURES: Final = {
    1: Nature(image=1),
    2: Nature(image=2),
    3: Nature(errors=0.5, image=3),
    4: Nature(starts=False, image=4),
    5: Nature(errors=0.15, image=3),
}
"""By version: two good ones, a bad one, one that never starts, the bad image once more."""
PLANS: Final = (
    [{"weight": 5, "minDuration": "3s"}, {"weight": 50, "minDuration": "3s"}, {"weight": 100}],
    [{"weight": 20, "minDuration": "1s", "manual": True}, {"weight": 100}],
    [{"weight": 0, "minDuration": "2s"}, {"weight": 25, "minDuration": "3s"}, {"weight": 100}],
    [{"weight": 100}],
)
NAMES: Final = {version: Release.of(resource(version).spec).name for version in IMAGES}
WORDS: Final = ("abort", "retry", "pause", "resume", "approve", "skip", "promote")
MOST_TURNS_AT_ONCE: Final = 8


def spec(plan: int = 0, guard: str = "20s") -> dict[str, Any]:
    """A plan that fits into a short history."""
    canary = {"steps": PLANS[plan], "progressDeadline": "40s"}
    return {"strategy": {"canary": canary}, "guard": {"duration": guard}}


class Histories(RuleBasedStateMachine):
    """Every step does one thing to the world, then the operator takes its decisions."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.watcher = Watcher(self.world)
        self.token = 0
        for version, nature in NATURES.items():
            self.world.behave(NAMES[version], nature)

    def run_for(self, count: int) -> None:
        """Let ``count`` seconds pass, the operator taking every decision that is due."""
        for _ in range(count):
            self.settle()
            self.world.pass_time(1.0)
        self.settle()

    def settle(self) -> None:
        """Take the decisions that are due now: few, and then nothing changes any more."""
        for _ in range(MOST_TURNS_AT_ONCE):
            before = self.world.text.get("status", {})
            decision = self.world.draft()
            self.watcher.look()
            due = decision.next_due
            if self.world.text["status"] == before and (due is None or due > self.world.now):
                return
        raise AssertionError("hot: the operator does not come to rest")

    @initialize(plan=st.integers(0, 3), first=st.sampled_from([1, 2]))
    def install(self, plan: int, first: int) -> None:
        self.world.apply(image=IMAGES[first], **spec(plan))
        self.run_for(3)

    @rule(version=st.sampled_from(sorted(IMAGES)), seconds=st.integers(0, 45))
    def apply(self, version: int, seconds: int) -> None:
        self.world.apply(image=IMAGES[version])
        self.run_for(seconds)

    @rule(version=st.sampled_from([1, 2]), seconds=st.integers(15, 60))
    def roll_out(self, version: int, seconds: int) -> None:
        """Nothing in the way of a good release."""
        self.clear_the_way()
        self.world.apply(image=IMAGES[version])
        self.run_for(seconds)

    def clear_the_way(self) -> None:
        self.world.scrapes, self.world.outage = True, 0.0
        self.world.apply(paused=False)

    @rule(plan=st.integers(0, 3), guard=st.sampled_from(["0s", "20s"]))
    def replan(self, plan: int, guard: str) -> None:
        self.world.apply(**spec(plan, guard))
        self.settle()

    @rule(replicas=st.integers(1, 6))
    def scale(self, replicas: int) -> None:
        self.world.apply(replicas=replicas)
        self.run_for(3)

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.world.apply(paused=paused)
        self.settle()

    @rule(
        shared=st.sampled_from(["Hold", "Rollback"]), automatic=st.sampled_from([True, True, False])
    )
    def react(self, shared: str, automatic: bool) -> None:
        self.world.apply(rollback={"automatic": automatic, "onSharedFailure": shared})

    @rule(word=st.sampled_from(WORDS))
    def ask(self, word: str) -> None:
        self.token += 1
        self.world.annotate(word, f"t{self.token}")
        self.settle()

    @rule(word=st.sampled_from(["let-out", "rollback-to"]), version=st.sampled_from(sorted(IMAGES)))
    def name_release(self, word: str, version: int) -> None:
        self.token += 1
        self.world.annotate(word, f"{NAMES[version]}@t{self.token}")
        self.settle()

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.run_for(seconds)

    @rule(scrapes=st.booleans())
    def scrape(self, scrapes: bool) -> None:
        self.world.scrapes = scrapes

    @rule(outage=st.sampled_from([0.0, 0.0, 0.3]))
    def provider(self, outage: float) -> None:
        self.world.outage = outage

    @rule(errors=st.sampled_from([0.0, 0.4]))
    def late_fault(self, errors: float) -> None:
        self.world.behave(NAMES[2], Nature(errors=errors, image=2))

    @rule(how=st.sampled_from(["idle", "decided", "persisted"]))
    def kill(self, how: str) -> None:
        if how == "idle":
            self.world.restart()
        else:
            self.world.draft(persisted=how == "persisted", projected=False)
            self.watcher.look()
        self.settle()

    @rule()
    def candidate_dies(self) -> None:
        """Rule 3: once it had traffic, a candidate that is gone is a failure, not missing data."""
        self.clear_the_way()
        self.world.apply(rollback={"automatic": True}, **spec())
        stable = self.world.status.stable
        version = 1 if stable is None or stable.release != NAMES[1] else 2
        self.world.apply(image=IMAGES[version])
        self.run_for(8)
        status, name = self.world.status, NAMES[version]
        on_trial = status.candidate is not None and status.candidate.release == name
        if not on_trial or status.first_traffic_at is None or self.world.judge is None:
            return
        was = NATURES[version]
        self.world.behave(name, Nature(starts=False, image=was.image))
        self.run_for(13)
        self.world.behave(name, was)
        assert name in {entry.release for entry in self.world.status.quarantine}, "3: it stays"

    @invariant()
    def users_are_served(self) -> None:
        """Rule 1, as users see it: once a release was stable, somebody answers."""
        if self.world.status.stable is not None:
            assert self.world.serving(), "1: nobody answers"

    @invariant()
    def same_input_same_output(self) -> None:
        given, seen = self.world.resource, self.world.observe()
        assert decide(given, seen, self.world.now) == decide(given, seen, self.world.now)

    @invariant()
    def nobody_good_is_blamed(self) -> None:
        """A release without a fault is never quarantined, provider's outages or not."""
        blamed = [
            entry.reason
            for entry in self.world.status.quarantine
            if entry.release == NAMES[1]
            and entry.reason not in ("CandidateUnavailable", "ReleaseQuarantined")
        ]
        assert not blamed, f"7: a good release is blamed: {blamed}"


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
