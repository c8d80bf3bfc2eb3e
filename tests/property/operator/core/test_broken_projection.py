"""Rules 6 and 8 to 11, broken on purpose: the property of each decisions red."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from spark_operator.core.apply import diff
from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.phases import preparation, progressing
from spark_operator.core.decide.phases.launch import launch
from spark_operator.core.decide.signals import alerts
from spark_operator.core.render import deployment, meta, policy
from tests.property.operator.core import test_alerts, test_migrations, test_projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.decide.progress import Progress

deciding = import_module("spark_operator.core.decide.decide")


class Mutation(NamedTuple):
    """A way to break the code, and the property that must notice."""

    label: str
    place: Any
    name: str
    broken: Any
    noticed_by: Callable[[], None]


ALERTED, FIND, METADATA = alerts.act_on_alerts, runs.find, meta.metadata


def promoting(draft: RolloutDraft) -> Progress:
    """An alert takes the candidate for good."""
    if draft.observations.alerts and draft.phase == "Progressing":
        progressing.next_step(draft, "an alert came")
    return ALERTED(draft)


def forgetful(*given: Any) -> Any:
    """A Job that passed is not remembered."""
    found = FIND(*given)
    return None if found is not None and found.state == "Passed" else found


def in_the_open(*_: Any) -> list[dict[str, str]]:
    return [{"name": "ANTHROPIC_API_KEY", "value": "sk-1"}]


def unowned(*given: Any) -> dict[str, Any]:
    made = METADATA(*given)
    return {key: value for key, value in made.items() if key != "ownerReferences"}


def with_finalizer(*given: Any) -> dict[str, Any]:
    return METADATA(*given) | {"finalizers": ["spark.dev/wait"]}


MUTATIONS: Final = (
    Mutation(
        "no migration is waited for",
        preparation,
        "_migrate_or_launch",
        launch,
        test_migrations.test_a_migration_passes_once,
    ),
    Mutation(
        "a migration that passed is run again",
        runs,
        "find",
        forgetful,
        test_migrations.test_a_migration_passes_once,
    ),
    Mutation(
        "a key in the open",
        deployment,
        "_secret_environment",
        in_the_open,
        test_projection.test_secrets_are_referred_to_and_never_read,
    ),
    Mutation(
        "an alert promotes",
        deciding.alerts,
        "act_on_alerts",
        promoting,
        test_alerts.test_an_alert_only_stops_or_rolls_back,
    ),
    Mutation(
        "a child without an owner",
        policy,
        "metadata",
        unowned,
        test_projection.test_everything_goes_with_the_resource_and_nothing_holds_it_back,
    ),
    Mutation(
        "a finalizer",
        deployment,
        "metadata",
        with_finalizer,
        test_projection.test_everything_goes_with_the_resource_and_nothing_holds_it_back,
    ),
    Mutation(
        "epochs are not compared",
        diff,
        "epoch",
        lambda _: 0,
        test_projection.test_an_older_decision_undoes_nothing,
    ),
    Mutation(
        "blind writes",
        diff,
        "_fenced",
        lambda wanted, _: wanted,
        test_projection.test_what_moves_traffic_is_written_over_what_was_seen,
    ),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.label)
def test_a_broken_rule_is_noticed(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation.place, mutation.name, mutation.broken)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        mutation.noticed_by()
