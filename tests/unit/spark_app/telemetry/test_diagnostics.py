"""What is measured for a diagnosis: bounded, and absent rather than wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from spark_app.core.quota import Quota, read_quota
from spark_app.core.recent import OTHER, TOP, RecentRefusals
from spark_app.telemetry.cgroup import CgroupCollector, Usage, read_usage
from spark_app.telemetry.diagnostics import Diagnostics

if TYPE_CHECKING:
    from pathlib import Path


def refuse(recent: RecentRefusals, key_id: str, now: float, times: int = 1) -> None:
    for _ in range(times):
        recent.note(key_id, allowed=False, left=0.0, now=now)


def test_the_most_refused_are_named_and_the_rest_is_summed() -> None:
    recent = RecentRefusals(300.0)
    for number in range(30):
        refuse(recent, f"user-{number:02}", 1.0, times=number + 1)
    top = recent.top(2.0)
    assert len(top) == TOP + 1
    assert (top["user-29"], top["user-10"], top[OTHER]) == (30, 11, sum(range(1, 11)))


def test_what_was_is_forgotten_after_one_window_and_not_before_half() -> None:
    recent = RecentRefusals(300.0)
    refuse(recent, "user-a", 0.0)
    recent.note("user-a", allowed=True, left=0.25, now=10.0)
    assert (recent.top(299.0)["user-a"], recent.lowest(299.0)) == (1, 0.0)
    assert (recent.top(300.0), recent.lowest(300.0)) == ({OTHER: 0}, 1.0)
    recent.note("user-a", allowed=True, left=0.5, now=301.0)
    assert recent.lowest(301.0) == 0.5
    assert recent.lowest(1e6) == 1.0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 400)), max_size=200))
def test_the_sum_is_that_of_all_refusals_in_two_halves(events: list[tuple[int, int]]) -> None:
    recent = RecentRefusals(300.0)
    events.sort(key=lambda event: event[1])
    for number, now in events:
        refuse(recent, f"user-{number}", now)
    if not events:
        return
    first, last = events[0][1], events[-1][1]
    turned = first + (last - first) // 150 * 150
    expected = sum(now >= turned - 150 for _, now in events)
    top = recent.top(last)
    assert sum(top.values()) == expected
    assert len(top) <= TOP + 1


def test_quota_of_both_providers() -> None:
    claude = {
        "anthropic-ratelimit-requests-limit": "1000",
        "anthropic-ratelimit-requests-remaining": "12",
        "anthropic-ratelimit-input-tokens-limit": "50000",
        "anthropic-ratelimit-input-tokens-remaining": "40000",
    }
    assert read_quota(claude) == {
        "requests": Quota(12, 1000),
        "input_tokens": Quota(40000, 50000),
    }
    openai = {"x-ratelimit-limit-tokens": "9", "x-ratelimit-remaining-tokens": "0"}
    assert read_quota(openai) == {"tokens": Quota(0, 9)}


@pytest.mark.parametrize("value", ["", "-1", "1.5", "nan", "1e3", "9" * 14, "²", " 1"])
def test_a_quota_that_makes_no_sense_is_left_out(value: str) -> None:
    assert read_quota({"x-ratelimit-limit-requests": "9"}) == {}
    headers = {"x-ratelimit-limit-requests": "9", "x-ratelimit-remaining-requests": value}
    assert read_quota(headers) == {}
    headers = {"x-ratelimit-limit-requests": value, "x-ratelimit-remaining-requests": "9"}
    assert read_quota(headers) == {}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


VERSION_2 = {
    "cgroup.controllers": "cpu memory\n",
    "cpu.stat": "usage_usec 9\nnr_periods 40\nnr_throttled 10\nthrottled_usec 2500000\n",
    "memory.current": "1000\n",
    "memory.stat": "anon 5\ninactive_file 300\n",
    "memory.max": "4096\n",
}
VERSION_1 = {
    "cpu/cpu.stat": "nr_periods 40\nnr_throttled 10\nthrottled_time 2500000000\n",
    "memory/memory.usage_in_bytes": "1000\n",
    "memory/memory.stat": "inactive_file 7\ntotal_inactive_file 300\n",
    "memory/memory.limit_in_bytes": "4096\n",
}
USAGE = Usage(
    throttled_seconds=2.5, throttled_periods=10, periods=40, working_set=700, memory_limit=4096
)


@pytest.mark.parametrize("files", [VERSION_2, VERSION_1], ids=["v2", "v1"])
def test_both_versions_of_control_groups_are_read(tmp_path: Path, files: dict[str, str]) -> None:
    assert read_usage(write(tmp_path, files)) == USAGE
    registry = CollectorRegistry()
    registry.register(CgroupCollector(tmp_path))
    page = generate_latest(registry).decode()
    for line in (
        "spark_cpu_throttled_seconds_total 2.5",
        "spark_cpu_throttled_periods_total 10.0",
        "spark_cpu_periods_total 40.0",
        "spark_memory_working_set_bytes 700.0",
        "spark_memory_limit_bytes 4096.0",
    ):
        assert line in page.splitlines()


@pytest.mark.parametrize(
    "change",
    [
        {"memory.max": "max\n"},
        {"memory/memory.limit_in_bytes": "9223372036854771712\n"},
    ],
)
def test_no_limit_is_no_metric(tmp_path: Path, change: dict[str, str]) -> None:
    files = VERSION_2 if "memory.max" in change else VERSION_1
    assert read_usage(write(tmp_path, files | change)).memory_limit is None


def test_without_a_control_group_nothing_is_told(tmp_path: Path) -> None:
    assert read_usage(tmp_path) == Usage()
    write(tmp_path, {"cgroup.controllers": "", "cpu.stat": "nonsense\n", "memory.current": "x"})
    assert read_usage(tmp_path) == Usage()
    registry = CollectorRegistry()
    registry.register(CgroupCollector(tmp_path))
    assert generate_latest(registry) == b""


def test_labels_are_bounded_whatever_comes() -> None:
    registry = CollectorRegistry()
    diagnostics = Diagnostics(registry)
    for number in range(1000):
        diagnostics.hit(f"user-{number}", allowed=False, left=0.0)
        diagnostics.answered("claude", {f"x-ratelimit-limit-{number}": "1"})
    page = generate_latest(registry).decode()
    assert page.count("\nspark_rate_limited_recent{") == TOP + 1
    assert page.count("\nspark_provider_quota_limit{") == 0


def test_key_ids_can_be_left_out() -> None:
    registry = CollectorRegistry()
    diagnostics = Diagnostics(registry, key_ids=False)
    diagnostics.hit("user-alice", allowed=False, left=0.0)
    page = generate_latest(registry).decode()
    assert 'spark_rate_limited_recent{key_id="other"} 1.0' in page
    assert "alice" not in page
