"""CPU throttling and memory of this container, from its control group (version 1 or 2).

Linux' `Documentation/admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst`, `scheduler/sched-bwc`.
The working set is what the kubelet calls so: usage without inactive file pages. Without a control
group of its own, or without a limit, the metric is absent rather than 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CgroupCollector", "Usage", "read_usage"]

ROOT = Path("/sys/fs/cgroup")
MAX_TEXT = 64 * 1024
_UNLIMITED = 2**60
"""Version 1 writes the largest multiple of a page instead of no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the control group tells; None for what it doesn't.

    Attributes:
        throttled_seconds: time that threads were held back in, all together.
        throttled_periods: periods in which they were.
        periods: periods in which something ran.
        working_set: bytes of memory that can't be reclaimed easily.
        memory_limit: bytes beyond which the kernel kills.
    """

    throttled_seconds: float | None = None
    throttled_periods: float | None = None
    periods: float | None = None
    working_set: float | None = None
    memory_limit: float | None = None


class CgroupCollector(Collector):
    """Reads the control group whenever metrics are read: four small files."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def collect(self) -> Iterator[Metric]:
        """The metrics that there are."""
        usage = read_usage(self._root)
        for name, text, value in (
            (
                "spark_cpu_throttled_seconds",
                "Time in which the container's CPU limit held threads back",
                usage.throttled_seconds,
            ),
            (
                "spark_cpu_throttled_periods",
                "Scheduling periods in which the CPU limit was reached",
                usage.throttled_periods,
            ),
            ("spark_cpu_periods", "Scheduling periods in which something ran", usage.periods),
        ):
            if value is not None:
                yield CounterMetricFamily(name, text, value=value)
        if usage.working_set is not None:
            text = "Memory in use, without file pages that can be dropped"
            yield GaugeMetricFamily("spark_memory_working_set_bytes", text, value=usage.working_set)
        if usage.memory_limit is not None:
            text = "Memory beyond which the container is killed"
            yield GaugeMetricFamily("spark_memory_limit_bytes", text, value=usage.memory_limit)


def read_usage(root: Path = ROOT) -> Usage:
    """Read a mounted control group: version 2 where `root` is one, else version 1."""
    if (root / "cgroup.controllers").exists():
        return _version_2(root)
    return _version_1(root / "cpu", root / "memory")


def _version_2(root: Path) -> Usage:
    cpu, memory = _table(root / "cpu.stat"), _table(root / "memory.stat")
    throttled = cpu.get("throttled_usec")
    return Usage(
        throttled_seconds=None if throttled is None else throttled / 1e6,
        throttled_periods=cpu.get("nr_throttled"),
        periods=cpu.get("nr_periods"),
        working_set=_working_set(_number(root / "memory.current"), memory.get("inactive_file")),
        memory_limit=_number(root / "memory.max"),
    )


def _version_1(cpu_root: Path, memory_root: Path) -> Usage:
    cpu, memory = _table(cpu_root / "cpu.stat"), _table(memory_root / "memory.stat")
    throttled = cpu.get("throttled_time")
    limit = _number(memory_root / "memory.limit_in_bytes")
    used = _number(memory_root / "memory.usage_in_bytes")
    return Usage(
        throttled_seconds=None if throttled is None else throttled / 1e9,
        throttled_periods=cpu.get("nr_throttled"),
        periods=cpu.get("nr_periods"),
        working_set=_working_set(used, memory.get("total_inactive_file")),
        memory_limit=None if limit is None or limit >= _UNLIMITED else limit,
    )


def _working_set(used: float | None, inactive: float | None) -> float | None:
    return None if used is None else max(0.0, used - (inactive or 0.0))


def _table(path: Path) -> dict[str, float]:
    pairs = (line.split() for line in _read(path).splitlines())
    return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _number(path: Path) -> float | None:
    text = _read(path).strip()
    return float(text) if text.isascii() and text.isdigit() else None


def _read(path: Path) -> str:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            return file.read(MAX_TEXT)
    except OSError:
        return ""
