"""The service against LiteLLM's proxy and against a bare Starlette endpoint, on this machine.

``python -m bench.app`` takes five minutes and writes ``bench/results/app.json``; the first time it
makes LiteLLM's environment from a hash-locked file.  ``--memory MINUTES`` adds a run that
watches the memory.  One worker each, pinned to core 0; load and upstream share core 1.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.app import run

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "spark" / "litellm"
ROUNDS = 3
BUSY = 64
"""Connections that keep a server busy."""


def main() -> int:
    """Measure, print, write; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="bench.app", description=__doc__)
    parser.add_argument("--memory", type=float, default=0.0, metavar="MINUTES")
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    options = parser.parse_args()
    found: dict[str, object] = {}
    with run.upstream() as provider:
        found |= against_litellm(provider, options.seconds)
        found |= against_bare(provider, options.seconds)
        if options.memory:
            found |= memory(provider, options.memory)
    goals = verdicts(found)
    target = ROOT / "bench" / "results" / "app.json"
    target.write_text(json.dumps({"figures": found, "goals": goals}, indent=2) + "\n")
    for name, value in found.items():
        print(f"{name:32} {value}")
    for name, good in goals.items():
        print(f"{'met   ' if good else 'MISSED'} {name}")
    return 0 if all(goals.values()) else 1


def against_litellm(provider: run.Target, seconds: int) -> dict[str, float]:
    """Compare with LiteLLM: requests a second, added p99, memory; alternating, median of three."""
    direct = _median(lambda: run.wrk("direct", f"{provider.url}/v1/messages", 1, seconds).p99_ms)
    found = {"upstream_p99_ms": direct}
    with (
        run.litellm(provider.url, _litellm_environment()) as theirs,
        run.spark(provider.url) as ours,
    ):
        targets = {
            "spark": (ours, "/api/spark/generate"),
            "litellm": (theirs, "/v1/chat/completions"),
        }
        rounds: dict[str, list[run.Result]] = {name: [] for name in targets}
        single: dict[str, list[run.Result]] = {name: [] for name in targets}
        cpu: dict[str, list[float]] = {name: [] for name in targets}
        for target, path in targets.values():
            kind = "spark" if target is ours else "litellm"
            run.wrk(kind, target.url + path, BUSY, 3)
        for _ in range(ROUNDS):
            for name, (target, path) in targets.items():
                single[name].append(run.wrk(name, target.url + path, 1, seconds))
                spent = target.cpu_seconds
                rounds[name].append(run.wrk(name, target.url + path, BUSY, seconds))
                cpu[name].append((target.cpu_seconds - spent) / rounds[name][-1].requests)
        for name, (target, _) in targets.items():
            found[f"{name}_rps"] = _middle([r.rps for r in rounds[name]])
            found[f"{name}_busy_p99_ms"] = _middle([r.p99_ms for r in rounds[name]])
            found[f"{name}_added_p50_ms"] = _middle([r.p50_ms for r in single[name]]) - 20.0
            found[f"{name}_added_p99_ms"] = _middle([r.p99_ms for r in single[name]]) - direct
            found[f"{name}_cpu_ms"] = _middle(cpu[name]) * 1000
            found[f"{name}_rss_mib"] = target.rss_mib
            found[f"{name}_errors"] = sum(r.errors for r in rounds[name] + single[name])
    return {name: round(value, 3) for name, value in found.items()}


def against_bare(provider: run.Target, seconds: int) -> dict[str, float]:
    """Cache hit and livez in shares of the bare endpoint's rate; health while saturated."""
    with run.bare() as yardstick, run.spark(provider.url) as ours:
        wanted: dict[str, tuple[str, str]] = {
            "bare_post": ("hit", f"{yardstick.url}/"),
            "bare_get": ("get", f"{yardstick.url}/"),
            "cache_hit": ("hit", f"{ours.url}/api/spark/generate"),
            "livez": ("get", f"{ours.url}/livez"),
        }
        rates: dict[str, list[float]] = {name: [] for name in wanted}
        cpu: dict[str, list[float]] = {name: [] for name in wanted}
        for _ in range(ROUNDS):
            for name, (kind, url) in wanted.items():
                target = yardstick if name.startswith("bare") else ours
                spent = target.cpu_seconds
                done = run.wrk(kind, url, 32, max(2, seconds // 2))
                rates[name].append(done.rps)
                cpu[name].append((target.cpu_seconds - spent) / done.requests)
        found = {f"{name}_rps": _middle(values) for name, values in rates.items()}
        found |= {f"{name}_cpu_ms": _middle(values) * 1000 for name, values in cpu.items()}
        found["cache_hit_share"] = found["cache_hit_rps"] / found["bare_post_rps"]
        found["livez_share"] = found["livez_rps"] / found["bare_get_rps"]
        found["cache_hit_cpu_share"] = found["bare_post_cpu_ms"] / found["cache_hit_cpu_ms"]
        found["livez_cpu_share"] = found["bare_get_cpu_ms"] / found["livez_cpu_ms"]
        found["health_busy_p99_ms"] = _median(lambda: run.health_while_loaded(ours, seconds))
    return {name: round(value, 3) for name, value in found.items()}


def memory(provider: run.Target, minutes: float) -> dict[str, object]:
    """Measure resident memory each half minute of steady load, after one minute of warming up."""
    seen: list[float] = []
    with run.spark(provider.url) as ours:
        load = threading.Thread(
            target=run.wrk,
            args=("spark", f"{ours.url}/api/spark/generate", 2, int(minutes * 60) + 60),
        )
        load.start()
        time.sleep(60)
        while load.is_alive():
            seen.append(ours.rss_mib)
            load.join(30)
    times = [index * 0.5 for index in range(len(seen))]
    slope = statistics.linear_regression(times, seen).slope if len(seen) > 1 else 0.0
    return {"memory_mib": [round(one) for one in seen], "memory_mib_per_minute": round(slope, 3)}


def verdicts(found: dict[str, object]) -> dict[str, bool]:
    """Say which goals are met; those about what was not measured are left out."""

    def number(name: str) -> float:
        return float(str(found[name]))

    goals = {
        "requests/s at least 3x LiteLLM's": number("spark_rps") >= 3 * number("litellm_rps"),
        "added p99 at most half": number("spark_added_p99_ms")
        <= number("litellm_added_p99_ms") / 2,
        "memory at most half": number("spark_rss_mib") <= number("litellm_rss_mib") / 2,
        "cache hit at least 0.35x bare": number("cache_hit_share") >= 0.35,
        "livez at least 0.6x bare": number("livez_share") >= 0.6,
        "health p99 below 100 ms": number("health_busy_p99_ms") < 100,
        "no error": number("spark_errors") == 0,
    }
    if "memory_mib_per_minute" in found:
        goals["memory flat"] = number("memory_mib_per_minute") < 0.5
    return goals


def _litellm_environment() -> Path:
    lock = Path(run.HERE) / "litellm.lock"
    stamp = CACHE / "lock"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        print("making LiteLLM's environment", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(CACHE)], check=True)
        install = [str(CACHE / "bin" / "pip"), "install", "-q", "--require-hashes", "-r", str(lock)]
        subprocess.run(install, check=True)
        stamp.write_bytes(lock.read_bytes())
    return CACHE


def _median(measure: Callable[[], float]) -> float:
    return _middle([measure() for _ in range(ROUNDS)])


def _middle(values: list[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    sys.exit(main())
