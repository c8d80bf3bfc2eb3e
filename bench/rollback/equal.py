"""Equally good releases on a real cluster: ten recorded runs, none of which may be rolled back.

Both releases fail 0.5% of their users' requests.  Several resources run side by side, each in a
namespace of its own with providers and users of its own, one candidate pod beside three stable ones
for ten minutes in the default sensitivity.  ``spark-operator record`` writes each one's trace, and
``spark-operator replay`` runs it through every sensitivity.

``python -m bench.rollback.equal --runs 10 --together 5 --rate 20``; ``--add`` adds the runs to the
kept ones, ``--replay`` does no more than replay these.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import lzma
import os
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev.cluster.choices import target
from dev.cluster.machine.progress import Progress
from dev.demo import setup
from dev.images import ensure
from tests.e2e.support.stage import NAME, Stage, config, image, spec

if TYPE_CHECKING:
    from dev.kubectl import Kubectl

RESULTS = Path(__file__).parent.parent / "results"
TABLE = RESULTS / "equal.json"
TRACES = RESULTS / "equal"
STABLE, CANDIDATE = "1.0.0-rare-errors", "2.0.0-rare-errors"
WEIGHT = 25
SENSITIVITIES = ("fast", "balanced", "robust")
START_SECONDS = 300.0
REPLAY_SECONDS = 300.0


class EqualError(Exception):
    """A run could not be made, or a tool of the operator failed."""


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded run.

    Attributes:
        number: names its recording.
        seconds: from the trace's first reading to its last.
        requests: by release, ``stable`` or ``candidate``, those that the trace has counted.
        errors: of these, those that failed.
        phase: of the resource at the end; ``RolledBack`` must not be.
        verdict: the judge's last word.
        replayed: by sensitivity, the outcome of the trace's replay; ``rolled-back`` must not be.
    """

    number: int
    seconds: float
    requests: dict[str, int]
    errors: dict[str, int]
    phase: str
    verdict: str
    replayed: dict[str, str]


def plan(seconds: float) -> dict[str, Any]:
    """Return a spec whose first step outlasts the recording."""
    steps = [{"weight": WEIGHT, "minDuration": f"{seconds + 120:.0f}s"}, {"weight": 100}]
    canary = {"steps": steps, "progressDeadline": f"{seconds + 600:.0f}s"}
    return spec(
        STABLE,
        strategy={"canary": canary},
        guard={"duration": "0s"},
        config=config(),
        # A few requests each: all of them must fit on one small node
        pod={"resources": {"requests": {"cpu": "10m", "memory": "128Mi"}}},
    )


async def one(kubectl: Kubectl, number: int, rate: int, seconds: float) -> Run:
    """Bring a namespace up, put the candidate on trial, record it, replay the trace."""
    stage = Stage(kubectl, f"bench-equal-{number}", plan(seconds))
    await stage.open()
    try:
        await stage.apply()
        await stage.until("the first release", lambda s: s.phase == "Stable", seconds=START_SECONDS)
        await stage.users(rate=rate)
        await stage.apply(image=image(CANDIDATE))
        await stage.until(
            "first traffic", lambda s: s.first_traffic_at is not None, seconds=START_SECONDS
        )
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace.jsonl"
            await operator(
                "record", f"{stage.namespace}/{NAME}", f"--output={trace}", f"--seconds={seconds}",
                seconds=seconds + START_SECONDS,
            )  # fmt: skip
            # The machine has much to do while recordings end
            status = await stage.until("any status", lambda _: True, seconds=START_SECONDS)
            keep(trace, number)
            replayed = {name: await replay(trace, stage.spec, name) for name in SENSITIVITIES}
            counted, spanned = counts(trace)
    finally:
        await stage.close()
    return Run(
        number=number,
        seconds=spanned,
        requests={role: found[0] for role, found in counted.items()},
        errors={role: found[1] for role, found in counted.items()},
        phase=status.phase,
        verdict=status.verdict.verdict if status.verdict else "",
        replayed=replayed,
    )


async def operator(*arguments: str, seconds: float) -> str:
    """Run a command of the operator; its output.

    Raises:
        EqualError: it failed, or took longer than ``seconds``.
    """
    environment = os.environ | {"KUBECONFIG": str(target.resolve().kubeconfig)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "spark_operator", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        raise EqualError(f"{arguments[0]} took longer than {seconds:.0f} s") from None
    if process.returncode:
        raise EqualError(f"{arguments[0]}: {err.decode(errors='replace').strip()}")
    return out.decode()


def keep(trace: Path, number: int) -> None:
    """Store a trace, compressed."""
    TRACES.mkdir(exist_ok=True)
    packed = lzma.compress(trace.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
    (TRACES / f"{number:02d}.jsonl.xz").write_bytes(packed)


async def replay(trace: Path, planned: dict[str, Any], sensitivity: str) -> str:
    """Replay a trace with a plan in a sensitivity and return the outcome."""
    body = {
        "apiVersion": "spark.dev/v1alpha1",
        "kind": "SparkDeployment",
        "metadata": {"name": NAME, "namespace": "default"},
        "spec": planned | {"analysis": {"sensitivity": sensitivity}},
    }
    manifest = trace.with_name(f"{sensitivity}.json")
    manifest.write_text(json.dumps(body))
    said = await operator(
        "replay", str(trace), f"--manifest={manifest}", "--output=json", seconds=REPLAY_SECONDS
    )
    return str(json.loads(said)["outcome"])


def counts(trace: Path) -> tuple[dict[str, tuple[int, int]], float]:
    """Count requests and errors by role between a pod's first and last reading; seconds spanned."""
    pods: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    with trace.open() as lines:
        for line in lines:
            item = json.loads(line)
            pods[item["release"], item["pod"]].append(item)
    found: dict[str, tuple[int, int]] = {}
    for (role, _), readings in pods.items():
        first, last, so_far = readings[0], readings[-1], found.get(role, (0, 0))
        found[role] = (
            so_far[0] + int(last["requests"] - first["requests"]),
            so_far[1] + int(last["errors"] - first["errors"]),
        )
    times = [reading["t"] for readings in pods.values() for reading in (readings[0], readings[-1])]
    return found, max(times) - min(times)


async def again() -> dict[str, Any]:
    """Return the kept table, with the outcomes that its recordings' replay has today."""
    table: dict[str, Any] = json.loads(TABLE.read_text())
    planned = plan(table["seconds"]) | {"image": image(CANDIDATE)}
    for run in table["each"]:
        packed = TRACES / f"{run['number']:02d}.jsonl.xz"
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace.jsonl"
            trace.write_bytes(lzma.decompress(packed.read_bytes()))
            run["replayed"] = {name: await replay(trace, planned, name) for name in SENSITIVITIES}
        print(run["number"], run["replayed"], flush=True)
    return table | {"rolled_back_in_replay": rolled_back(table["each"])}


def rolled_back(runs: list[dict[str, Any]]) -> dict[str, int]:
    """Count the runs whose replay was rolled back, by sensitivity."""
    return {name: sum(r["replayed"][name] == "rolled-back" for r in runs) for name in SENSITIVITIES}


async def measure(
    runs: int, together: int, rate: int, seconds: float, kept: list[dict[str, Any]]
) -> dict[str, Any]:
    """Measure all runs, ``together`` at a time, and add them to those kept from before."""
    before = 1 + max((run["number"] for run in kept), default=-1)
    found, progress = target.resolve(), Progress()
    await asyncio.to_thread(found.up, progress)
    names = ["operator", "dev", f"app:{STABLE}", f"app:{CANDIDATE}"]
    await asyncio.to_thread(ensure, names, target=found, progress=progress)
    kubectl = setup.client(found)
    await setup.install(kubectl)
    done: list[Run] = []
    failed: list[str] = []
    for first in range(before, before + runs, together):
        numbers = range(first, min(first + together, before + runs))
        work = (one(kubectl, n, rate, seconds) for n in numbers)
        ended = await asyncio.gather(*work, return_exceptions=True)
        done += [run for run in ended if isinstance(run, Run)]
        # The others are worth their ten minutes all the same
        failed += [repr(run) for run in ended if isinstance(run, BaseException)]
        print("\n".join([*map(str, done), *failed]), flush=True)
    each = kept + [asdict(run) for run in done]
    return {
        "runs": len(each),
        "not_made": failed,
        "seconds": seconds,
        "together": together,
        "requests_per_second_each": rate,
        "weight_percent": WEIGHT,
        "error_percent_of_both": 0.5,
        "sensitivity": "balanced",
        "rolled_back": sum(run["phase"] == "RolledBack" for run in each),
        "rolled_back_in_replay": rolled_back(each),
        "each": each,
    }


def main() -> None:
    """Measure and write the table; exit status 1 where a run was rolled back or not made."""
    parser = argparse.ArgumentParser(prog="bench.rollback.equal", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="in all")
    parser.add_argument("--together", type=int, default=5, help="side by side")
    parser.add_argument("--rate", type=int, default=20, help="requests per second of each")
    parser.add_argument("--seconds", type=float, default=600.0, help="of each recording")
    parser.add_argument("--add", action="store_true", help="to the runs that are kept")
    parser.add_argument("--replay", action="store_true", help="the kept recordings, nothing else")
    options = parser.parse_args()
    kept = json.loads(TABLE.read_text())["each"] if options.add else []
    work = (
        again()
        if options.replay
        else measure(options.runs, options.together, options.rate, options.seconds, kept)
    )
    result = asyncio.run(work)
    TABLE.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    bad = (result["rolled_back"], *result["rolled_back_in_replay"].values(), *result["not_made"])
    raise SystemExit(any(bad))


if __name__ == "__main__":
    main()
