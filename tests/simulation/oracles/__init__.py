"""What must hold of every history: each oracle is a function from a case to its violations."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.simulation.oracles import alerts, end, honesty, isolation, jobs, safety
from tests.simulation.oracles.timeline import decisions
from tests.simulation.world.users import RATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.oracles.history import History
    from tests.simulation.stories.scenarios import Scenario


@dataclass(slots=True)
class Case:
    """A history, the scenario it tells, and the same story without faults.

    Attributes:
        wakes_in_time: whether watches deliver what they should.
        leaders: operators that decide at the same time.
        cut_off: seconds in which the API server does not do its work.
        rate: users' requests per second.
    """

    scenario: Scenario
    history: History
    reference: History
    wakes_in_time: bool = True
    leaders: int = 1
    cut_off: float = 0.0
    rate: float = RATE
    _roles: list[tuple[float, frozenset[str], frozenset[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Index who had which role, and who was in quarantine, by time."""
        for change, _, after in decisions(self.history):
            roles = (after.get(role) or {} for role in ("stable", "candidate"))
            held = (entry["release"] for entry in after.get("quarantine", []))
            self._roles.append(
                (
                    change.at,
                    frozenset(role["release"] for role in roles if role),
                    frozenset(held),
                )
            )

    def allowed_at(self, at: float, slack: float) -> frozenset[str] | None:
        """Releases that had a role at a time or shortly before; None before the first."""
        times = [time for time, _, _ in self._roles]
        last = bisect_right(times, at)
        if last == 0:
            return None
        first = max(0, bisect_right(times, at - slack) - 1)
        return frozenset().union(*(roles for _, roles, _ in self._roles[first:last]))

    def quarantined_since(self, release: str, at: float) -> float | None:
        """Since when, without a break, a release had been in quarantine at a time."""
        since = None
        for time, _, held in self._roles:
            if time > at:
                break
            if release not in held:
                since = None
            elif since is None:
                since = time
        return since

    def crashes(self, release: str) -> bool:
        """Whether the release's pods end by themselves."""
        images = {
            container.image
            for routed in self.history.routed
            for container in routed.endpoints
            if container.release == release
        }
        behaviours = [
            self.scenario.images[image] for image in images if image in self.scenario.images
        ]
        return any(
            it.crashes_after is not None or it.out_of_memory_after is not None for it in behaviours
        )


ORACLES: Final[dict[str, Callable[[Case], list[str]]]] = {
    oracle.__name__.replace("_", "-"): oracle
    for oracle in (
        end.finishes,
        end.ends_as_expected,
        end.ends_like_reference,
        end.leaks_nothing,
        end.is_quiet,
        safety.stable_keeps_its_pods,
        safety.route_has_pods,
        safety.users_are_served,
        safety.only_roles_get_traffic,
        safety.rises_only_on_pass,
        safety.rises_on_samples,
        safety.steps_follow_the_plan,
        safety.cut_in_time,
        safety.quarantine_holds,
        safety.exposure_is_bounded,
        isolation.isolated_is_cut,
        isolation.isolated_stands_still,
        alerts.alerts_are_answered,
        alerts.alerts_cut_in_time,
        alerts.alerts_act_once,
        jobs.migrates_once,
        jobs.migrates_one_at_a_time,
        jobs.prepares_before_pods,
        jobs.undoes_without_traffic,
        honesty.conditions_agree,
        honesty.status_is_small,
        honesty.generation_is_observed,
        honesty.epochs_never_fall,
    )
}


def judge_history(case: Case) -> dict[str, list[str]]:
    """Violations by oracle; empty when all hold."""
    found = {name: oracle(case) for name, oracle in ORACLES.items()}
    return {name: violations for name, violations in found.items() if violations}
