"""Oracles on every moment of a history: the rules of ``design.md`` §5 on pods and traffic."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from tests.simulation.oracles.isolation import is_isolated
from tests.simulation.oracles.timeline import EVERYBODY, available, decisions, moments

if TYPE_CHECKING:
    from tests.simulation.api.server import Change
    from tests.simulation.oracles import Case
    from tests.simulation.oracles.history import History
    from tests.simulation.oracles.timeline import Moment

SCALE_SECONDS: Final = 60.0
"""How long a change of ``replicas`` may take to be pods."""
PROXY_SECONDS: Final = 1.1
"""How long the nodes may take to follow a Service."""
CUT_SECONDS: Final = 2.0
DECIDE_SECONDS: Final = 3.0
"""How long after a change of the world a decision may still stem from what was before."""
EXPOSURE_SECONDS: Final = 30.0


def stable_keeps_its_pods(case: Case) -> list[str]:
    """Rule 1: stable has all its pods ready, whatever else happens."""
    if case.scenario.loses_requests:
        return []
    found = []
    wanted: list[tuple[float, int]] = []
    for moment in moments(case.history):
        stable = moment.release("stable")
        if not stable or not moment.resource:
            continue
        replicas = int(moment.resource["spec"]["replicas"])
        if not wanted or wanted[-1][1] != replicas:
            wanted.append((moment.at, replicas))
        least = min(_recent(wanted, moment.at - SCALE_SECONDS - case.cut_off))
        # What ends by itself is the world's doing; that its pods are there is the operator's.
        kept = moment.living if case.crashes(stable) else moment.ready
        ready = kept.get(stable, 0)
        if ready < least:
            found.append(f"{moment.at:.3f}: {ready} of {least} stable pods ready, {moment.phase}")
    return found


def _recent(wanted: list[tuple[float, int]], since: float) -> list[int]:
    """What was wanted since a time; what was wanted when it began counts too."""
    recent = [
        count
        for index, (_, count) in enumerate(wanted)
        if index + 1 == len(wanted) or wanted[index + 1][0] > since
    ]
    return recent or [0]


def route_has_pods(case: Case) -> list[str]:
    """The users' Service never moves to a release without the pods that its traffic needs."""
    found = []
    route = ""
    for moment in moments(case.history):
        moved, route = moment.route != route, moment.route
        if not moved or moment.change.actor == "somebody" or not moment.release("stable"):
            continue
        if is_isolated(moment.status):
            continue
        targets = [moment.release("stable"), moment.release("candidate")]
        if route not in (*targets, EVERYBODY) and moment.resource:
            found.append(f"{moment.at:.3f}: the Service selects {route!r}, which has no role")
        ready = sum(moment.ready.values()) if route == EVERYBODY else moment.ready.get(route, 0)
        if ready == 0 and moment.resource:
            found.append(f"{moment.at:.3f}: the Service selects {route!r}, which has no ready pod")
    return found


def users_are_served(case: Case) -> list[str]:
    """No request of a user meets nobody, but for pods that end by themselves."""
    if case.scenario.loses_requests or case.scenario.ends_on is None:
        return []
    served = case.history.served
    first = next((item.since for item in served if item.requests), float("inf"))
    return [
        f"{item.since:.3f}: {item.lost} requests met no pod of release {item.release!r}"
        for item in served
        if item.lost and item.since > first and not case.crashes(item.release)
    ][:3]


def only_roles_get_traffic(case: Case) -> list[str]:
    """The nodes lead users to stable and to a candidate on trial, and to nobody else."""
    found = []
    for routed in case.history.routed:
        releases = {container.release for container in routed.endpoints}
        allowed = case.allowed_at(routed.at, PROXY_SECONDS)
        if allowed is not None and not releases <= allowed:
            found.append(f"{routed.at:.3f}: users reach {sorted(releases - allowed)}")
    return found


def rises_only_on_pass(case: Case) -> list[str]:
    """Rule 2: the candidate's share rises on a Pass at the present weight, or by the ledger."""
    found = []
    for change, before, after in decisions(case.history):
        was, now = _share(before), _share(after)
        if now <= was or not after.get("candidate"):
            continue
        reason = next((entry["reason"] for entry in after.get("ledger", [])), "")
        if was < 0 or reason in {"PromoteRequested", "FirstRelease"}:
            continue
        if now == 100 and before.get("phase") == "Promoting":
            continue  # only as fast as the pods that a Pass has asked for
        observed = (before.get("step") or {}).get("observedSince")
        passed = _passed(case.history, change)
        if not passed or not observed:
            found.append(f"{change.at:.3f}: from {was}% to {now}% without a Pass ({reason})")
    return found


def rises_on_samples(case: Case) -> list[str]:
    """Rule 2, whatever the judge says: nothing rises while no scrape has ever come through."""
    found = []
    for change, before, after in decisions(case.history):
        if not 0 <= _share(before) < _share(after):
            continue
        observed = (before.get("step") or {}).get("observedSince")
        since = change.at if not observed else datetime.fromisoformat(observed).timestamp()
        blind = [span for span in case.history.disturbed if span.since <= since < span.until]
        if before.get("phase") != "Promoting" and any(change.at < span.until for span in blind):
            found.append(f"{change.at:.3f}: to {_share(after)}% without a sample since {observed}")
    return found


def steps_follow_the_plan(case: Case) -> list[str]:
    """The weight takes one step of the plan at a time."""
    found = []
    for change, before, after in decisions(case.history):
        was, now = (int((status.get("step") or {}).get("index", -1)) for status in (before, after))
        if _share(before) >= 0 and now > was + 1:
            found.append(f"{change.at:.3f}: from step {was} to step {now}")
    return found


def _share(status: dict[str, object]) -> float:
    """The share that a status decides: the phase Promoting is as good as all of it."""
    if not status.get("candidate") or status.get("phase") not in (
        "Progressing",
        "Paused",
        "Promoting",
    ):
        return -1
    weight = status.get("weight")
    desired = weight.get("desired", 0) if isinstance(weight, dict) else 0
    return 99 if status["phase"] == "Promoting" and desired < 100 else float(desired)


def _passed(history: History, change: Change) -> bool:
    """Whether the operator that made a change had just been told Pass."""
    recent = [
        verdict
        for verdict in history.verdicts
        if verdict.by == change.actor and change.at - 1.0 <= verdict.at <= change.at
    ]
    return bool(recent) and recent[-1].kind == "Pass"


def cut_in_time(case: Case) -> list[str]:
    """Rule 4: the Service leaves a failed release within 2 s of a leader and the API server."""
    if case.scenario.ends_on is None:
        return []
    cuts = [
        moment
        for moment in moments(case.history)
        if moment.change.collection.plural in ("services", "sparkdeployments")
    ]
    found: list[str] = []
    said: dict[str, float] = {}
    """Since when each operator has said Fail without a break."""
    events: list[tuple[float, int, str, Moment | None]] = [
        *((it.at, 1 if it.kind == "Fail" else 3, it.by, None) for it in case.history.verdicts),
        *((moment.at, 0, "", moment) for moment in cuts),
        *((span.since, 2, "", None) for span in case.history.leaderless),
        *((at, 2, name, None) for at, name in case.history.deaths),
    ]
    exposed, deciding = False, ""
    for at, kind, by, moment in sorted(events, key=lambda event: event[:2]):
        if moment is not None:
            deciding = moment.phase
            watched = moment.release("stable" if deciding == "Guarding" else "candidate")
            exposed = bool(watched) and moment.route in (EVERYBODY, watched)
            if not exposed and said:
                late = available(case.history, min(said.values()), at)
                if late > CUT_SECONDS:
                    found.append(f"{at:.3f}: cut {late:.1f} s after the verdict")
                said.clear()
        elif kind == 1 and exposed:
            said.setdefault(by, at)
        elif kind == 3:
            said.pop(by, None)  # nothing of the Fail could be stored, and it holds no longer
        elif kind == 2 and deciding != "RollingBack":
            # What only the process knew is gone with it.
            said = {name: since for name, since in said.items() if by not in ("", name)}
    if said and exposed:
        found.append(f"{min(said.values()):.3f}: a verdict Fail was never followed by a cut")
    return found


def quarantine_holds(case: Case) -> list[str]:
    """Rule 5: a release in quarantine gets no traffic."""
    found = []
    for served in case.history.served:
        if not served.requests:
            continue
        since = case.quarantined_since(served.release, served.until)
        if since is None:
            continue
        late = available(case.history, since, served.until) - PROXY_SECONDS - CUT_SECONDS
        if late > 0.0 and served.since > since + PROXY_SECONDS:
            found.append(f"{served.since:.3f}: {served.requests} requests on {served.release}")
    return found[:3]


def exposure_is_bounded(case: Case) -> list[str]:
    """Faults of the operator's world cost users no more than the time they last."""
    bad, least = (_bad(history) for history in (case.history, case.reference))
    away = sum(
        span.until - span.since
        for spans in (case.history.leaderless, case.history.api_away, case.history.disturbed)
        for span in spans
    )
    most = 3 * least + case.rate * (away + EXPOSURE_SECONDS)
    return [f"{bad} bad answers, at most {most:.0f} were expected"] if bad > most else []


def _bad(history: History) -> int:
    return sum(item.errors + item.lost for item in history.served if item.release)
