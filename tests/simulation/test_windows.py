"""Maintenance and freezes in whole histories: what was told, and operators killed meanwhile."""

from __future__ import annotations

import pytest

from tests.simulation.campaign import campaign
from tests.simulation.simulation import RESOURCES, run
from tests.simulation.stories.catalogue import SCENARIOS

TOLD = {
    "maintenance": (
        "MaintenanceAnnounced Scheduled",
        "MaintenanceStarted Scheduled",
        "TrialStarted MaintenanceWindow",
        "TrafficSwitched CandidateReady",
        "Promoted Passed",
        "MaintenanceEnded Over",
        "GuardEnded GuardEnded",
    ),
    "maintenance-in-trial": (
        "TrafficStarted CandidateReady",
        "MaintenanceStarted Requested",
        "MaintenanceEnded Over",
        "StepAdvanced Passed",
        "Promoted Passed",
    ),
    "maintenance-too-short": (
        "TrialStarted MaintenanceWindow",
        "MaintenanceEnded Over",
        "TrialStarted NewRelease",
        "TrafficStarted CandidateReady",
        "Promoted Passed",
    ),
    "fault-after-maintenance": (
        "TrialStarted MaintenanceWindow",
        "MaintenanceEnded Over",
        "RolledBack ErrorRateAboveStable",
    ),
    "freeze": ("Frozen Freeze", "TrialStarted NewRelease", "Promoted Passed"),
}
"""By scenario, decisions and reasons in their order, others in between."""
KILLED = (("maintenance", 43), ("maintenance-in-trial", 53), ("freeze", 41))


@pytest.mark.parametrize("name", sorted(TOLD))
def test_what_happened_is_in_the_ledger_in_its_order(name: str) -> None:
    stored = [
        change.after or {}
        for change in run(SCENARIOS[name]).changes
        if change.collection == RESOURCES
    ]
    ledgers = [item["status"]["ledger"] for item in stored if "ledger" in item.get("status", {})]
    said = [f"{entry['decision']} {entry['reason']}" for entry in reversed(ledgers[-1])]
    rest = iter(said)
    missing = [wanted for wanted in TOLD[name] if wanted not in rest]
    assert not missing, said


@pytest.mark.parametrize(("scenario", "every"), KILLED)
def test_operators_killed_meanwhile_break_no_rule(scenario: str, every: int) -> None:
    found = list(campaign(scenario, "kills", seed=1, every=every, part=1))
    assert found
    assert [item for item in found if item is not None] == []
