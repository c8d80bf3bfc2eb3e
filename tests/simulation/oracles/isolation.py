"""Oracles on a service that is cut off for an investigation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.oracles.timeline import decisions, moments

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest
    from tests.simulation.oracles import Case

PROXY_SECONDS = 1.1
"""How long the nodes may take to follow a Service."""
APPLY_SECONDS = 2.0
"""How long the Service may take to follow the status, while a leader and the API are there."""


def is_isolated(status: Manifest) -> bool:
    """Whether a status says so."""
    conditions = status.get("conditions") or []
    return any((item["type"], item["status"]) == ("Isolated", "True") for item in conditions)


def isolated_is_cut(case: Case) -> list[str]:
    """Users reach no pod once the users' Service selects none, and it does so in time."""
    found = []
    spans: list[list[float]] = []
    for moment in moments(case.history):
        isolated = is_isolated(moment.status)
        if isolated and not (spans and spans[-1][1] == float("inf")):
            spans.append([moment.at, float("inf")])
        elif not isolated and spans and spans[-1][1] == float("inf"):
            spans[-1][1] = moment.at
    for since, until in spans:
        slack = APPLY_SECONDS + PROXY_SECONDS + _away(case, since)
        known = [routed for routed in case.history.routed if routed.at < until]
        late = [routed for routed in known if routed.at > since + slack]
        last = [routed for routed in known if routed.at <= since + slack][-1:]
        found += [
            f"{routed.at:.3f}: users reach pods although it is isolated since {since:.3f}"
            for routed in (*(last if since + slack < until else ()), *late)
            if routed.endpoints
        ]
    return found[:3]


def _away(case: Case, since: float) -> float:
    """Seconds from a moment until a leader and the API server are there for good."""
    spans = [*case.history.leaderless, *case.history.api_away]
    ends = [until for begin, until in spans if begin <= since + 10.0]
    return max([0.0, *(until - since for until in ends)])


def isolated_stands_still(case: Case) -> list[str]:
    """While a service is isolated nothing is decided, and every pod stays."""
    found = [
        f"{change.at:.3f}: decided {before.get('phase')} to {after.get('phase')} while isolated"
        for change, before, after in decisions(case.history)
        if is_isolated(before) and is_isolated(after) and _decided(before) != _decided(after)
    ]
    before: set[str] = set()
    pods: set[str] = set()
    for moment in moments(case.history):
        if moment.change.collection.plural == "pods":
            uid = moment.change.manifest["metadata"]["uid"]
            (pods.discard if moment.change.after is None else pods.add)(uid)
        if not is_isolated(moment.status):
            before = set()
        elif not before:
            before = set(pods)
        elif before - pods and moment.change.actor != "kubelet":
            found.append(f"{moment.at:.3f}: pods were ended while isolated")
    return found[:3]


def _decided(status: Manifest) -> tuple[object, ...]:
    roles = (status.get(role) or {} for role in ("stable", "candidate", "previous"))
    return (
        status.get("phase"),
        (status.get("weight") or {}).get("desired"),
        *(role.get("release") for role in roles),
    )
