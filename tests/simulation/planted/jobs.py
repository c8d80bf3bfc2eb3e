"""Bugs planted into what the operator does with Jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spark_operator.core.decide import decide, guards
from spark_operator.core.decide.jobs import runs, undo_migration
from spark_operator.core.decide.progress import Progress
from spark_operator.core.render import children
from tests.simulation.planted.planting import Planted

if TYPE_CHECKING:
    import pytest


def _result_forgotten(patch: pytest.MonkeyPatch) -> None:
    finished = runs._finished

    def forgetful(draft: Any, job: Any, *given: Any) -> Any:
        found = finished(draft, job, *given)
        first = job.kind == "migrate" and job.attempt == 1
        return found.model_copy(update={"state": "Lost"}) if first else found

    patch.setattr(runs, "_finished", forgetful)


def _pods_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(children, "_candidate_replicas", lambda resource: resource.spec.replicas)


def _impatient(patch: pytest.MonkeyPatch) -> None:
    settled = runs._settled

    def hasty(draft: Any, job: Any) -> Any:
        late = job.kind == "migrate" and draft.now > job.started_at.timestamp() + 8.0
        return job.model_copy(update={"state": "Lost"}) if late else settled(draft, job)

    patch.setattr(runs, "_settled", hasty)


def _undone_before_the_cut(patch: pytest.MonkeyPatch) -> None:
    cut = guards.cut_failing_release

    def undo_first(draft: Any) -> Progress:
        fails = draft.verdict is not None and draft.verdict.kind == "Fail"
        if fails and undo_migration.undo(draft) is Progress.DONE:
            return cut(draft)
        return Progress.DONE

    patch.setattr(decide, "GUARDS", (undo_first, *guards.GUARDS[1:]))


PLANTED_JOBS: Final = (
    Planted("a migration's result is forgotten", _result_forgotten, "jobs-pass", "migrates-once"),
    Planted("pods before the migration", _pods_at_once, "jobs-pass", "prepares-before-pods"),
    Planted(
        "a migration is repeated while it runs",
        _impatient,
        "migration-hangs",
        "migrates-one-at-a-time",
    ),
    Planted(
        "the schema is taken away first",
        _undone_before_the_cut,
        "migration-undone",
        "undoes-without-traffic",
    ),
)
