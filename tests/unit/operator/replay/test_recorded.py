"""A recording of a live rollout on a busy machine: both releases fail 0.5% of their requests."""

from __future__ import annotations

import lzma

import pytest

from bench.rollback.equal import CANDIDATE, TRACES, plan
from spark_operator.api.resource import parse
from spark_operator.replay import frames, replay
from tests.e2e.support.stage import image
from tests.unit.operator.core import builders

UNEVEN = TRACES / "01.jsonl.xz"
"""Its readings come up to 0.2 s late, so that some seconds have none and the next have two."""


@pytest.mark.parametrize("sensitivity", ["fast", "balanced", "robust"])
def test_a_release_as_good_as_stable_is_kept_however_uneven_the_recording(
    sensitivity: str,
) -> None:
    spec = plan(600.0) | {"image": image(CANDIDATE), "analysis": {"sensitivity": sensitivity}}
    with lzma.open(UNEVEN, "rt") as lines:
        found = replay(parse({**builders.body(), "spec": spec}), frames(lines))
    assert found.outcome == "running", found.reason
    said = {item["message"] for item in found.decisions}
    assert not [message for message in said if "not fully available" in message]
