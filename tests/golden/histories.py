"""Simulated histories of a fixed seed and replayed traces, byte for byte, as one file.

``python -m tests.golden.histories --check`` compares, ``python -m tests.golden.histories`` writes
the file anew: read the difference before it is committed.  Each history stands there as the
decisions of its ledger, for people, and as the digest of every write to the API server.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import multiprocessing
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.rollback.equal import CANDIDATE, TRACES, plan
from spark_operator.api.resource import parse
from spark_operator.replay import frames, replay
from tests.e2e.support.stage import image
from tests.simulation.simulation import RESOURCES, run
from tests.simulation.stories.catalogue import SCENARIOS
from tests.unit.operator.core import builders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.oracles.history import History

FILE: Final = Path(__file__).resolve().parent / "histories.json"
SEED: Final = 7
TRACE: Final = TRACES / "01.jsonl.xz"
REPLAYED_SECONDS: Final = 600.0


def _digest(parts: Iterator[Any]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(json.dumps(part, default=str).encode())
        found.update(b"\n")
    return found.hexdigest()


def _decisions(history: History) -> list[str]:
    """Every entry of the ledger, oldest first."""
    said: dict[tuple[str, ...], None] = {}
    for change in history.changes:
        if change.collection != RESOURCES or change.after is None:
            continue
        for entry in reversed((change.after.get("status") or {}).get("ledger", ())):
            words = ("at", "decision", "reason", "message")
            said[tuple(str(entry.get(word, "")) for word in words)] = None
    return [" ".join(entry) for entry in said]


def _stored(manifest: Any) -> Any:
    """An object without what depends on the machine's compression library."""
    status = (manifest or {}).get("status")
    if not isinstance(status, dict):
        return manifest
    return {**manifest, "status": {k: v for k, v in status.items() if k != "acceptedSpec"}}


def told(scenario: str) -> dict[str, Any]:
    """What a scenario's history came to: decisions, number of writes, digest of all of them."""
    history = run(SCENARIOS[scenario], seed=SEED)
    written = (
        [it.at, it.actor, it.verb, it.collection.plural, it.name, _stored(it.after)]
        for it in history.changes
    )
    judged = ([it.at, it.kind, it.reason] for it in history.verdicts)
    return {
        "decisions": _decisions(history),
        "writes": history.writes,
        "changes": _digest(written),
        "verdicts": _digest(judged),
    }


def replayed(sensitivity: str) -> dict[str, Any]:
    """What a recorded trace came to: outcome, number of decisions, digest of all of them."""
    spec = plan(REPLAYED_SECONDS) | {
        "image": image(CANDIDATE),
        "analysis": {"sensitivity": sensitivity},
    }
    with lzma.open(TRACE, "rt") as lines:
        found = replay(parse({**builders.body(), "spec": spec}), frames(lines))
    return {
        "outcome": found.outcome,
        "reason": found.reason,
        "decisions": len(found.decisions),
        "digest": _digest(iter(found.decisions)),
    }


def recording() -> dict[str, Any]:
    """Everything, by the names of scenarios and sensitivities."""
    with multiprocessing.Pool(min(2, os.cpu_count() or 1)) as pool:
        histories = dict(zip(SCENARIOS, pool.map(told, SCENARIOS, chunksize=1), strict=True))
        kinds = ("fast", "balanced", "robust")
        replays = dict(zip(kinds, pool.map(replayed, kinds, chunksize=1), strict=True))
    return {"seed": SEED, "histories": histories, "replays": replays}


def differences(known: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """Name each history and replay that is not as it is known, and the first decision that is not.

    Both have the shape of ``recording``.
    """
    for group in ("histories", "replays"):
        for name in sorted(known[group].keys() | found[group].keys()):
            before, after = known[group].get(name), found[group].get(name)
            if before != after:
                yield f"{group} {name}: {_first(before or {}, after or {})}"


def _first(before: dict[str, Any], after: dict[str, Any]) -> str:
    for key in ("decisions", *after):
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        if isinstance(was, list) and isinstance(now, list):
            at = next((n for n, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), None)
            at = min(len(was), len(now)) if at is None else at
            return f"{key} {at + 1}: {was[at : at + 1]} is {now[at : at + 1]} now"
        return f"{key}: {was!r} is {now!r} now"
    return "it is gone"


def main() -> int:
    """Write the file, or compare with it; 1 where it differs."""
    parser = argparse.ArgumentParser(description="Histories and replays, byte for byte.")
    parser.add_argument("--check", action="store_true", help="change nothing, fail on differences")
    found = json.loads(json.dumps(recording()))
    if not parser.parse_args().check:
        FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return 0
    wrong = list(differences(json.loads(FILE.read_text(encoding="utf-8")), found))
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        print(
            "behaviour changed: where that is meant, run `python -m tests.golden.histories`,"
            " read the difference and commit it",
            file=sys.stderr,
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
