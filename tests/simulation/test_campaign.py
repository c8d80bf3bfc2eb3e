"""A short instance of the campaign: a few plans of every family in the scenarios that matter."""

from __future__ import annotations

import pytest

from tests.simulation.campaign import campaign
from tests.simulation.plans import FAMILIES

SHORT = (
    ("bad-release", "kills", 31),
    ("fault-in-guard", "kills", 61),
    ("newer-spec", "kills", 83),
    ("let-out", "second-kills", 97),
    ("delete-in-trial", "kills", 17),
    ("bad-release", "conflicts", 37),
    ("good-release", "errors", 71),
    ("bad-release", "outages", 71),
    ("bad-release", "partitions", 41),
    ("late-fault", "watches", 2),
    ("bad-release", "disturbances", 9),
    ("additions", "kills", 71),
    ("alert", "kills", 71),
    ("bad-release", "leaders", 41),
    ("migration-killed", "kills", 71),
    ("newer-spec-in-migration", "partitions", 101),
)
"""Scenario, family, and which n-th plan of it is run."""


@pytest.mark.parametrize(("scenario", "family", "every"), SHORT)
def test_faults_break_no_rule(scenario: str, family: str, every: int) -> None:
    found = list(campaign(scenario, family, seed=1, every=every, part=1))
    assert found
    assert [item for item in found if item is not None] == []


def test_every_family_has_its_share() -> None:
    assert {family for _, family, _ in SHORT} == set(FAMILIES)
