"""Oracles on the Jobs of a history: rule 6 of ``design.md`` §5, and what runs beside what."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from spark_operator.api.base import PLURAL
from tests.simulation.oracles.timeline import decisions
from tests.simulation.world import job_pods, pods
from tests.simulation.world.work import MIGRATE, ROLLBACK

if TYPE_CHECKING:
    from tests.simulation.oracles import Case
    from tests.simulation.world.database import Run

SLACK_SECONDS: Final = 8.0
"""Longest time for which a Job may still begin that was wanted when its pod was made."""
CHANGES: Final = (MIGRATE, ROLLBACK)


def migrates_once(case: Case) -> list[str]:
    """Rule 6: a release's migration is committed once, and passes once each time it is tried."""
    found = []
    passed, tried = Counter[str](), _tries(case)
    committed: dict[str, bool] = {}
    for run in case.history.runs:
        if run.kind not in CHANGES:
            continue
        if run.kind == MIGRATE and run.committed and committed.get(run.release):
            found.append(f"{run.began:.3f}: {run.job} commits once more")
        if run.committed:
            committed[run.release] = run.kind == MIGRATE
        passed[run.release] += run.passed and run.kind == MIGRATE
    return found + [
        f"{release}: {passed[release]} migrations passed in {tried[release]} tries"
        for release in passed
        if passed[release] > tried[release]
    ]


def _tries(case: Case) -> Counter[str]:
    """How often each release came to its migration."""
    return Counter(
        str(after["candidate"]["release"])
        for _, before, after in decisions(case.history)
        if after.get("phase") == "Migrating" != before.get("phase")
    )


def migrates_one_at_a_time(case: Case) -> list[str]:
    """No two runs change the schema at the same time."""
    found = []
    last: Run | None = None
    for run in case.history.runs:
        if run.kind not in CHANGES:
            continue
        if last is not None and (last.ended is None or run.began < last.ended):
            found.append(f"{run.began:.3f}: {run.job} began before {last.job} had ended")
        last = run
    return found


def prepares_before_pods(case: Case) -> list[str]:
    """A release has no pod before the preflight and the migration that it asks for have passed."""
    found = []
    spec: dict[str, object] = {}
    for change in case.history.changes:
        if change.collection.plural == PLURAL and change.after is not None:
            spec = change.after["spec"]
        is_new = change.collection.plural == "pods" and change.verb == "ADDED"
        if not is_new or job_pods.is_job(change.manifest):
            continue
        release = pods.release_of(change.manifest)
        missing = _wanted(spec) - _passed(case, release, change.at)
        if missing:
            found.append(f"{change.at:.3f}: a pod of {release} without {sorted(missing)}")
    return found[:3]


def _wanted(spec: dict[str, object]) -> set[str]:
    """Kinds of Jobs that a spec asks for; those that are off by default stand for nothing."""
    preflight = spec.get("preflight")
    is_off = isinstance(preflight, dict) and preflight.get("enabled") is False
    return (set() if is_off else {"preflight"}) | ({MIGRATE} if "migrations" in spec else set())


def _passed(case: Case, release: str, at: float) -> set[str]:
    return {
        run.kind
        for run in case.history.runs
        if run.release == release and run.passed and run.ended is not None and run.ended <= at
    }


def undoes_without_traffic(case: Case) -> list[str]:
    """A release's schema is not taken away while users are led to it."""
    return [
        f"{run.began:.3f}: {run.job} undoes what {run.release} serves users on"
        for run in case.history.runs
        if run.kind == ROLLBACK
        and any(
            item.release == run.release and item.requests and item.until > run.began
            for item in case.history.served
            if run.ended is None or item.since < run.ended
        )
    ]
