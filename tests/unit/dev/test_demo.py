"""The demo's pure parts: story, users' view, figures and picture."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from dev.demo.chart import Chart, Mark, render, ticks
from dev.demo.story import Line, decisions, standing, tag, tell
from dev.demo.summary import Marks, exposed_seconds, summarise
from dev.demo.timeline import Series, series
from dev.demo.view import Chapter, rows
from dev.users.results import Account, Result
from spark_operator.api.status.status import (
    Condition,
    Exposure,
    LedgerEntry,
    ReleaseStatus,
    SparkDeploymentStatus,
    StepStatus,
    VerdictStatus,
    Weight,
)

AT = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
GOOD, BAD = "aaaaaaaaaa", "bbbbbbbbbb"
STABLE = ReleaseStatus(release=GOOD, image="localhost/spark-app:1.0.0", since=AT, pods=4, ready=4)
CANDIDATE = ReleaseStatus(release=BAD, image="localhost/spark-app:3", since=AT, pods=1, ready=1)


def status(**members: Any) -> SparkDeploymentStatus:
    return SparkDeploymentStatus(**members)


def entry(decision: str, **members: Any) -> LedgerEntry:
    return LedgerEntry(at=AT, decision=decision, **{"reason": decision, **members})


def result(at: float, release: str = GOOD, code: int = 200, latency: float = 0.25) -> Result:
    return Result(
        seq=1,
        at=at,
        latency=latency,
        status=code,
        error="" if code else "reset",
        release=release,
        mode="fresh",
        endpoint="generate",
    )


def test_decisions_are_told_once_and_in_order() -> None:
    first, second = entry("TrialStarted", message="on trial"), entry("TrafficStarted")
    before, after = status(ledger=(first,)), status(ledger=(second, first))
    assert decisions(before, after) == [second]
    assert tell(None, before) == [Line("decision", "TrialStarted: on trial")]
    assert tell(after, after) == []


def test_rollback_is_told_with_reason_numbers_and_exposure() -> None:
    failed = entry("RolledBack", reason="ErrorRate", message="at least 14% > 10%, n 41")
    before = status(phase="Progressing", stable=STABLE, candidate=CANDIDATE)
    after = before.model_copy(
        update={
            "ledger": (failed,),
            "exposure": Exposure(release=BAD, seconds=9.5, requests=41, errors=14),
        }
    )
    assert tell(before, after) == [
        Line("bad", "RolledBack (ErrorRate): at least 14% > 10%, n 41"),
        Line("bad", f"the operator counts 41 requests on release {BAD}, 14 failed, in 9.5 s"),
    ]


def test_traffic_is_told_with_pods_and_what_is_wanted() -> None:
    before = status(candidate=CANDIDATE, weight=Weight(desired=5, actual=0))
    after = status(candidate=CANDIDATE, weight=Weight(desired=5, actual=20))
    text = "20% of traffic on 3 (1 of 1 pods ready, 5% wanted)"
    assert tell(before, after) == [Line("traffic", text)]


def test_verdicts_are_told_when_they_change_and_not_with_every_number() -> None:
    def judged(verdict: str, message: str) -> SparkDeploymentStatus:
        given = {"verdict": verdict, "reason": "TooFew", "message": message, "at": AT}
        return status(verdict=VerdictStatus.model_validate(given))

    first, again, other = judged("Continue", "n 3"), judged("Continue", "n 9"), judged("Pass", "ok")
    assert tell(None, first) == [Line("verdict", "judge says Continue (TooFew): n 3")]
    assert tell(first, again) == []
    assert tell(again, other) == [Line("verdict", "judge says Pass (TooFew): ok")]


def test_troubles_are_told_when_they_begin() -> None:
    degraded = Condition(
        type="Degraded", status="True", last_transition_time=AT, reason="Shared", message="both"
    )
    ready = Condition(type="Ready", status="True", last_transition_time=AT, reason="Stable")
    after = status(conditions=(degraded, ready))
    assert tell(None, after) == [Line("trouble", "Degraded (Shared): both")]
    assert tell(after, after) == []


def test_standing_shows_phase_weight_and_step() -> None:
    step = StepStatus(index=1, total=4, entered_at=AT)
    moving = status(
        phase="Progressing", candidate=CANDIDATE, weight=Weight(desired=25, actual=20), step=step
    )
    assert standing(moving) == "Progressing   20%   2/4"
    assert standing(status(phase="Stable")).strip() == "Stable"


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("localhost/spark-app:1.0.0", "1.0.0"),
        ("ghcr.io:443/a/b@sha256:0123456789abcdef", "456789abcdef"),
    ],
)
def test_images_are_told_apart_by_their_tag(image: str, shown: str) -> None:
    assert tag(image) == shown


def test_view_accounts_by_chapter_and_release() -> None:
    chapters = [Chapter("before", 0, 10), Chapter("trial", 10, 20)]
    results = [
        result(1),
        result(2),
        result(9.99, code=503),
        result(10, BAD, 500),
        result(11, BAD),
        result(12, latency=2.0),
        result(13, "", 0),
        result(25),
    ]
    found = list(rows(chapters, results, {GOOD: "one", BAD: "two"}))
    assert [(row.chapter, row.release) for row in found] == [
        ("before", "one"),
        ("trial", "one"),
        ("trial", "two"),
        ("trial", "no release named"),
    ]
    assert found[0].account == Account(requests=3, errors=1, p50=0.25, p95=0.25)
    assert found[1].account == Account(requests=1, errors=0, p50=2.0, p95=2.0)
    assert (found[3].account.requests, found[3].account.errors) == (1, 1)


def test_summary_blames_stable_for_what_no_release_can_be_named_for() -> None:
    marks = Marks(
        started=100,
        available=160.04,
        good_applied=170,
        promoted=215.5,
        bad_applied=220,
        rolled_back=240,
        ended=250,
    )
    results = [
        result(171),
        result(225, BAD, 500, latency=0.5),
        result(230, BAD),
        result(231, BAD, 500, latency=1.5),
        result(232, "", 0),
        result(233, GOOD, 502),
        result(234, GOOD, 422),
    ]
    found = summarise("local", marks, BAD, results, unsent=3, outcome="ok").as_dict()
    assert found == {
        "cluster": "local",
        "cold_seconds": 60.0,
        "promote_seconds": 45.5,
        "bad_first_request_to_zero_traffic_seconds": 7.5,
        "bad_release_requests": 3,
        "bad_release_errors": 2,
        "stable_errors": 2,
        "requests": 7,
        "unsent_requests": 3,
        "total_seconds": 150.0,
        "outcome": "ok",
    }


def test_summary_of_a_story_cut_short_has_no_invented_figures() -> None:
    found = summarise("local", Marks(started=1), "", [result(2, "", 0)], unsent=0, outcome="x")
    assert found.promote_seconds is found.cold_seconds is None
    assert found.bad_first_request_to_zero_traffic_seconds is None
    assert (found.bad_release_requests, found.stable_errors) == (0, 1)
    assert exposed_seconds([]) is None


def test_series_hold_shares_of_all_bins_and_errors_of_asked_ones() -> None:
    results = [
        result(100.0),
        result(100.5),
        result(101.0, BAD, 500),
        result(101.5),
        result(103.0, BAD),
        result(103.5, BAD, 500),
        result(99.0, BAD, 500),
    ]
    assert series(results, 100, 104, share_bin=1, error_bin=2) == [
        Series(GOOD, ((0, 100.0), (1, 50.0), (3, 0.0)), ((1.0, 0.0),)),
        Series(BAD, ((0, 0.0), (1, 50.0), (3, 100.0)), ((1.0, 100.0), (3.0, 50.0))),
    ]


@pytest.mark.parametrize(
    ("highest", "most", "expected"),
    [(100, 5, [0, 20, 40, 60, 80, 100]), (0, 5, [0]), (7, 5, [0, 2, 4, 6])],
)
def test_ticks_are_round(highest: float, most: int, expected: list[float]) -> None:
    assert ticks(highest, most) == expected


def test_picture_marks_decisions_and_names_axes_and_releases() -> None:
    lines = [
        Series(GOOD, ((0, 100.0), (1, 50.0)), ((0.5, 0.0),)),
        Series(BAD, ((0, 0.0), (1, 50.0)), ((1.5, 40.0),)),
    ]
    marks = [Mark(0.5, "Installed"), Mark(1.5, "RolledBack <& much more> " + "x" * 200)]
    svg = render(Chart("A title", 2.0, lines, {GOOD: "one", BAD: "two"}, marks))
    root = ET.fromstring(svg)  # noqa: S314
    name = "{http://www.w3.org/2000/svg}"
    words = [element.text or "" for element in root.iter(f"{name}text")]
    for word in ("A title", "one", "two", "traffic share, %", "failed requests, %", "Installed"):
        assert word in words
    assert "seconds since the first request" in words
    assert all(len(word) <= 120 for word in words)
    assert len(list(root.iter(f"{name}polygon"))) == 2
    numbers = [
        float(number)
        for shape in root.iter(f"{name}polygon")
        for point in shape.attrib["points"].split()
        for number in point.split(",")
    ]
    assert all(0 <= number <= 960 for number in numbers)
