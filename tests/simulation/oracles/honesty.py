"""Oracles on what the status says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from spark_operator.core.model.labels import EPOCH_ANNOTATION
from tests.simulation.oracles.timeline import available, decisions

if TYPE_CHECKING:
    from tests.simulation.oracles import Case

MAX_BYTES: Final = 65_536
OBSERVE_SECONDS: Final = 10.0
REACT: Final = frozenset({"normal", "doubled"})


def conditions_agree(case: Case) -> list[str]:
    """Reconciling and Stalled are never both True, and Ready means that the spec is stable."""
    found = []
    for change, _, after in decisions(case.history):
        said = {item["type"]: item["status"] for item in after.get("conditions", [])}
        held = {kind for kind, status in said.items() if status == "True"}
        if {"Reconciling", "Stalled"} <= held:
            found.append(f"{change.at:.3f}: Reconciling and Stalled are both True")
        if "Ready" in held and held & {"Reconciling", "Stalled"}:
            found.append(f"{change.at:.3f}: Ready and {sorted(held)} are True")
        if "Ready" in held and (after.get("phase") == "RolledBack" or not after.get("stable")):
            found.append(f"{change.at:.3f}: Ready is True in {after.get('phase')}")
        if after.get("phase") == "RolledBack" and "Stalled" not in held:
            found.append(f"{change.at:.3f}: a rollback that is not Stalled")
    return found


def status_is_small(case: Case) -> list[str]:
    """The status has at most 64 KiB."""
    sizes = [
        len(json.dumps(after, separators=(",", ":"), ensure_ascii=False).encode())
        for _, _, after in decisions(case.history)
    ]
    return [f"a status of {size} bytes" for size in sizes if size > MAX_BYTES]


def generation_is_observed(case: Case) -> list[str]:
    """``observedGeneration`` is the spec's, soon after it changed, and never one it had not."""
    found = []
    pending: float | None = None
    for change in case.history.changes:
        if change.collection.plural != "sparkdeployments" or change.after is None:
            continue
        generation = change.after["metadata"]["generation"]
        observed = (change.after.get("status") or {}).get("observedGeneration", 0)
        if observed > generation:
            found.append(f"{change.at:.3f}: generation {observed} observed before it was there")
        if observed < generation:
            pending = change.at if pending is None else pending
            continue
        if pending is not None and case.wakes_in_time:
            late = available(case.history, pending, change.at)
            if late > OBSERVE_SECONDS:
                found.append(f"{change.at:.3f}: generation {generation} took {late:.0f} s")
        pending = None
    if pending is not None and case.scenario.ends_on is not None:
        found.append("the last generation was never observed")
    return found


def epochs_never_fall(case: Case) -> list[str]:
    """Neither the resource nor what moves traffic ever goes back to an older decision."""
    found = []
    for change in case.history.changes:
        if change.before is None or change.after is None or change.actor == "somebody":
            continue
        before, after = (
            _epoch(change.collection.plural, item) for item in (change.before, change.after)
        )
        if after < before:
            found.append(
                f"{change.at:.3f}: {change.collection.plural}/{change.name} fell from epoch"
                f" {before} to {after} by {change.actor}"
            )
    return found


def _epoch(plural: str, item: dict[str, dict[str, object]]) -> int:
    if plural == "sparkdeployments":
        found = item.get("status", {}).get("epoch", 0)
        return found if isinstance(found, int) else 0
    if plural not in ("services", "deployments"):
        return 0
    annotations = item["metadata"].get("annotations")
    text = annotations.get(EPOCH_ANNOTATION, "0") if isinstance(annotations, dict) else "0"
    return int(text)
