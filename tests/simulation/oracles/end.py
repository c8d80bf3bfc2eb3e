"""Oracles on how a history ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.base import PLURAL
from spark_operator.core.model.labels import EPOCH_ANNOTATION, RELEASE_LABEL
from tests.simulation.world import job_pods, pods
from tests.simulation.world.work import MIGRATE, ROLLBACK

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest
    from tests.simulation.oracles import Case
    from tests.simulation.oracles.history import History

FORGOTTEN: Final = frozenset({"events", "leases"})
VAGUE: Final = frozenset({"Failed", "Inconclusive"})
MOST_WRITES: Final = 4
"""Times the writes of a run without faults, each of which may start anew."""


def finishes(case: Case) -> list[str]:
    """The story comes to its end, and no decision failed in an unknown way."""
    history = case.history
    return [*history.errors[:3], *([history.stuck] if history.stuck else [])]


def ends_as_expected(case: Case) -> list[str]:
    """The right image is stable, the right ones failed and are in quarantine."""
    resource = final(case.history, PLURAL).get("spark")
    scenario = case.scenario
    if scenario.ends_on is None:
        return [] if resource is None else ["the resource is still there"]
    if resource is None:
        return ["the resource is gone"]
    status = resource.get("status") or {}
    image = (status.get("stable") or {}).get("image")
    outcomes = [(item["image"], item["outcome"]) for item in reversed(status.get("history", []))]
    held = {item["image"] for item in status.get("quarantine", [])}
    return [
        text
        for wrong, text in (
            (image != scenario.ends_on, f"{image} is stable instead of {scenario.ends_on}"),
            (status.get("phase") != scenario.phase, f"it rests in {status.get('phase')}"),
            (not _contains(outcomes, scenario.outcomes), f"the history says {outcomes}"),
            (set(scenario.quarantined) - held, f"in quarantine are {sorted(held)}"),
            (held - {image for image, _ in scenario.outcomes}, f"{sorted(held)} is in quarantine"),
        )
        if wrong
    ]


def _contains(found: list[tuple[str, str]], wanted: tuple[tuple[str, str], ...]) -> bool:
    rest = iter(found)
    return all(item in rest for item in wanted)


def ends_like_reference(case: Case) -> list[str]:
    """Everything is as it is at the end of the run in which nothing went wrong."""
    ours, theirs = canonical(case.history), canonical(case.reference)
    return [
        f"{key}: {ours.get(key)!r} instead of {theirs.get(key)!r}"
        for key in sorted({*ours, *theirs})
        if ours.get(key) != theirs.get(key)
    ]


def canonical(history: History) -> dict[str, Any]:
    """The end state without what may differ: times, identities, epochs, evidence."""
    result: dict[str, Any] = {}
    collections = {change.collection for change in history.changes}
    for collection in collections:
        if collection.plural in FORGOTTEN:
            continue
        items = final(history, collection.plural)
        if collection.plural == "pods":
            result["pods"] = _pods(items)
            continue
        if collection.plural == "jobs":
            continue
        for name, item in items.items():
            key = f"{collection.plural}/{name}"
            result[key] = _resource(item) if collection.plural == PLURAL else _child(item)
    return result


def final(history: History, plural: str) -> dict[str, Manifest]:
    """The objects of a kind at the end, by name."""
    items: dict[str, Manifest] = {}
    for change in history.changes:
        if change.collection.plural != plural:
            continue
        if change.after is None:
            items.pop(change.name, None)
        else:
            items[change.name] = change.after
    return items


def _pods(items: dict[str, Manifest]) -> dict[str, tuple[int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for item in items.values():
        if job_pods.is_job(item):
            continue
        total, ready = sums.get(pods.release_of(item), (0, 0))
        sums[pods.release_of(item)] = total + 1, ready + pods.is_ready(item)
    return sums


def _child(item: Manifest) -> dict[str, Any]:
    meta = item["metadata"]
    annotations = {
        key: value
        for key, value in (meta.get("annotations") or {}).items()
        if key != EPOCH_ANNOTATION
    }
    rest = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    return rest | {
        "labels": meta.get("labels"),
        "annotations": annotations,
        "owners": [owner["name"] for owner in meta.get("ownerReferences") or []],
    }


def _resource(item: Manifest) -> dict[str, Any]:
    status: Manifest = item.get("status") or {}
    failure = status.get("failure") or {}
    return {
        "spec": item["spec"],
        "phase": status.get("phase"),
        "roles": {role: _role(status.get(role)) for role in ("stable", "candidate", "previous")},
        "weight": status.get("weight"),
        "step": (status.get("step") or {}).get("index"),
        "failure": (failure.get("release"), failure.get("outcome")),
        "quarantine": [
            (entry["release"], entry.get("digest")) for entry in status.get("quarantine", [])
        ],
        "last outcomes": {
            entry["release"]: entry["outcome"] for entry in reversed(status.get("history", []))
        },
        "requests": [(entry["name"], entry["token"]) for entry in status.get("requests", [])],
        "conditions": sorted(
            (entry["type"], entry["status"]) for entry in status.get("conditions", [])
        ),
        "schema changes": sorted(
            (entry["kind"], entry["release"], entry["state"])
            for entry in status.get("jobs", [])
            if entry["kind"] in (MIGRATE, ROLLBACK)
        ),
        "observed": status.get("observedGeneration") == item["metadata"]["generation"],
        "replicas": (status.get("replicas"), status.get("readyReplicas")),
    }


def _role(role: Manifest | None) -> tuple[Any, ...] | None:
    return None if role is None else tuple(role.get(key) for key in ("release", "pods", "ready"))


def leaks_nothing(case: Case) -> list[str]:
    """Whatever is not owned by a resource that exists, or has no role in it, is gone."""
    history = case.history
    resource = final(history, PLURAL).get("spark")
    left = {
        f"{collection.plural}/{name}": item
        for collection in {change.collection for change in history.changes}
        if collection.plural not in FORGOTTEN | {PLURAL}
        for name, item in final(history, collection.plural).items()
    }
    if resource is None:
        return [f"{name} is left behind" for name in left]
    status = resource.get("status") or {}
    roles = {
        (status.get(role) or {}).get("release") for role in ("stable", "candidate", "previous")
    }
    told = {
        f"spark-{entry['release']}-{entry['kind']}-{entry['number']}"
        for entry in status.get("jobs", [])
    }
    left = {name: item for name, item in left.items() if _job_of(name, item) not in told}
    return [
        f"{name} belongs to no release in use"
        for name, item in left.items()
        if not name.startswith("controllerrevisions/")
        and item["metadata"]["labels"].get(RELEASE_LABEL) not in {None, *roles}
    ]


def _job_of(name: str, item: Manifest) -> str:
    """The Job that an object is or belongs to, empty where it is neither."""
    if name.startswith("pods/") and job_pods.is_job(item):
        return str(item["metadata"]["ownerReferences"][0]["name"])
    return name.removeprefix("jobs/") if name.startswith("jobs/") else ""


def is_quiet(case: Case) -> list[str]:
    """At rest nothing is written, and on the way there not much more than needed."""
    history = case.history
    most = MOST_WRITES * case.leaders * case.reference.writes + 200
    quiet = history.writes_when_quiet
    last = history.requests[-3:]
    return [
        *([f"{quiet} writes at rest, the last are {last}"] if quiet else []),
        *(
            [f"{history.writes} writes, at most {most} were expected"]
            if history.writes > most
            else []
        ),
    ]
