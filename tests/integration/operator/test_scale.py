"""A short form of the rig for many resources: orders of magnitude, with five times the bounds.

The figures themselves are ``python -m bench.scale``'s; here a machine that others use must do.
"""

from __future__ import annotations

import asyncio

import pytest

from bench.scale.cluster import cluster
from bench.scale.run import Plan, measure

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(900)]

RESOURCES, ROLLOUTS = 100, 20
SLACK = 5.0
"""How much worse than the bounds a busy machine may be."""
START_SECONDS = 4.0
START_PROCESSOR = 3.0
START_REQUESTS = 300
REST_PROCESSOR = 0.03
REST_MIB = 180.0
REST_REQUESTS = 2.0
LATE_SECONDS = 2.0


def test_a_hundred_resources_and_twenty_rollouts() -> None:
    with cluster() as running:
        (found,) = asyncio.run(measure(running, Plan((RESOURCES,), ROLLOUTS, rest_seconds=20.0)))
    assert found.notes == []
    assert found.start is not None
    assert found.start.attempts == 1, "it lost its Lease at its start"
    assert found.start.seconds is not None
    assert found.start.seconds <= SLACK * START_SECONDS
    assert found.start.processor <= SLACK * START_PROCESSOR
    assert found.start.requests <= SLACK * START_REQUESTS
    assert found.rest is not None
    assert found.rest.processor <= SLACK * REST_PROCESSOR
    assert found.rest.memory <= REST_MIB
    assert found.rest.requests <= SLACK * REST_REQUESTS
    assert found.rest.writes == 0.0
    assert found.rollouts is not None
    assert not found.rollouts.lost
    assert found.rollouts.finished == ROLLOUTS
    assert (found.rollouts.out, found.rollouts.harmed) == (ROLLOUTS // 2, 0)
    assert found.rollouts.dropped == 0
    assert found.rollouts.late_p99 <= SLACK * LATE_SECONDS
