"""The users' accounting and habits."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.users.results import Result, Ring, account, parse, percentile, summary
from dev.users.traffic import Habits


def result(seq: int, **changes: object) -> Result:
    fields: dict[str, object] = {
        "seq": seq,
        "at": 1000.0 + seq,
        "latency": 0.1,
        "status": 200,
        "error": "",
        "release": "aaa",
        "mode": "keepalive",
        "endpoint": "generate",
    }
    return Result(**{**fields, **changes})  # type: ignore[arg-type]


def test_failures_are_answers_above_499_and_missing_answers() -> None:
    results = [
        result(1),
        result(2, status=422),
        result(3, status=500, release="bbb"),
        result(4, status=0, error="reset", release=""),
    ]
    assert [r.failed for r in results] == [False, False, True, True]
    every = account(results)
    assert (every.requests, every.errors) == (4, 2)


def test_summary_accounts_by_release_mode_and_error() -> None:
    results = [
        result(1, latency=0.1),
        result(2, latency=0.3, mode="fresh"),
        result(3, status=500, release="bbb"),
        result(4, status=0, error="reset", release="", latency=9.0),
    ]
    found = summary(results)
    assert found["release"]["aaa"] == {"requests": 2, "errors": 0, "p50": 0.1, "p95": 0.3}
    assert found["release"]["bbb"]["errors"] == 1
    assert found["release"][""] == {"requests": 1, "errors": 1, "p50": 0.0, "p95": 0.0}
    assert found["error"]["reset"]["errors"] == 1
    assert found["mode"]["fresh"]["requests"] == 1
    assert found["all"]["requests"] == 4


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 5.0), (0.95, 10.0), (0.9, 9.0), (1.0, 10.0)]
)
def test_percentiles_are_nearest_ranks(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(1, 11)], share) == value
    assert percentile([], share) == 0.0


@given(size=st.integers(1, 20), total=st.integers(0, 60), since=st.integers(0, 70))
def test_ring_pages_through_the_newest_results(size: int, total: int, since: int) -> None:
    ring = Ring(size)
    for seq in range(1, total + 1):
        ring.add(result(seq))
    oldest = max(0, total - size)
    assert [r.seq for r in ring.since(since, 7)] == list(range(1, total + 1))[max(since, oldest) :][
        :7
    ]


def test_ring_refuses_gaps() -> None:
    with pytest.raises(ValueError, match="number it so"):
        Ring(3).add(result(2))


def test_results_survive_the_wire() -> None:
    original = result(7, status=0, error="timeout", release="")
    assert parse(original.line()) == original


def test_half_the_users_keep_their_connections() -> None:
    shots = [Habits("spark:3000").shot(number) for number in range(1, 1001)]
    assert Counter(s.mode for s in shots) == {"keepalive": 500, "fresh": 500}
    for mode in ("keepalive", "fresh"):
        exports = sum(s.endpoint == "export" for s in shots if s.mode == mode)
        assert 60 <= exports <= 140
    assert all((b"\r\nConnection: close\r\n" in s.data) == (s.mode == "fresh") for s in shots)


def test_prompts_vary_and_some_are_asked_again() -> None:
    habits = Habits("spark:3000", headers={"X-API-Key": "k"})
    shots = [habits.shot(number) for number in range(1, 1001)]
    assert shots == [habits.shot(number) for number in range(1, 1001)]
    bodies = [s.data.partition(b"\r\n\r\n")[2] for s in shots if s.endpoint == "generate"]
    distinct = {json.loads(body)["prompt"] for body in bodies}
    assert 0.6 < len(distinct) / len(bodies) < 0.85
    assert all(b"\r\nX-API-Key: k\r\n" in s.data for s in shots)


def test_bodies_have_the_length_they_declare() -> None:
    for number in range(50):
        head, _, body = Habits("h").shot(number).data.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
