"""What needs no statistics: is the candidate there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.readings.samples import PodSample, Tick
    from spark_operator.core.judge.state import Presence

STEADY_SECONDS = 60.0
"""Back for this long, earlier absence is forgiven."""

MOST_RESTARTS = 3
"""This many restarts in one trial are a crash loop, however short each absence was."""

STUCK_REQUESTS = 3
"""Requests in flight, and finished per stable pod meanwhile, that make a standstill."""

SILENCE_SECONDS = 3.0
"""A pod that is ready and does not answer may be the scraper's fault until then."""

START_SECONDS = 300.0
"""A replacement may take this long to start, with an image to be pulled on another node."""

LONGEST_GAP = 5.0
"""A longer time between two looks says nothing about what was in between."""


def _fresh(plan: JudgePlan, sample: PodSample, now: float) -> bool:
    return sample.values is not None and now - sample.at <= plan.stale_seconds


def answers(plan: JudgePlan, pods: Sequence[PodSample], now: float) -> bool:
    """Return whether at least one pod is ready and was read lately."""
    return any(pod.ready and _fresh(plan, pod, now) for pod in pods)


def _excuse(presence: Presence, tick: Tick, dt: float) -> Presence:
    """Return the presence with what the cluster does to the candidate excused, for a while.

    From the moment that a pod that was ready is taken away until a pod that was not is ready.
    """
    been_ready = {pod for pod, _, was in presence.known if was}
    known = {pod for pod, _, _ in presence.known}
    if been_ready.intersection(tick.disrupted):
        return replace(presence, excused=START_SECONDS)
    started = any(pod.ready and pod.pod not in been_ready for pod in tick.candidate if known)
    return replace(presence, excused=0.0 if started else max(0.0, presence.excused - dt))


def _count_restarts(presence: Presence, pods: Sequence[PodSample]) -> Presence:
    known = {pod: count for pod, count, _ in presence.known}
    been_ready = {pod for pod, _, was in presence.known if was}
    restarts = ooms = 0
    for pod in pods:
        # One that never got ready has not begun to serve: that is the deadline's to judge.
        before = known.get(pod.pod, pod.restarts) if pod.pod in been_ready else pod.restarts
        more = max(pod.restarts - before, 0)
        restarts += more
        ooms += more if pod.oom_killed else 0
    return replace(
        presence,
        restarts=presence.restarts + restarts,
        ooms=presence.ooms + ooms,
        known=tuple((pod.pod, pod.restarts, pod.ready or pod.pod in been_ready) for pod in pods),
    )


def _cause(plan: JudgePlan, presence: Presence, tick: Tick) -> tuple[str, bool]:
    """Return what is wrong with most of the candidate's pods, in words; empty if nothing.

    And whether that is sure: that a scrape failed is not, the scraper may have been busy.  A pod
    that has never been ready is still starting, as every pod does after a step: it does not count
    while another one has been.
    """
    if not tick.candidate:
        return "it has no pods", True
    been_ready = {pod for pod, _, was in presence.known if was}
    pods = [pod for pod in tick.candidate if pod.pod in been_ready]
    if not pods:
        others = len(tick.candidate)
        return f"no pod that was ready is left, and {others} others are not ready yet", True
    unready = sum(1 for pod in pods if not pod.ready)
    unread = sum(1 for pod in pods if pod.ready and not _fresh(plan, pod, tick.at))
    if 2 * (unready + unread) > len(pods):
        told = f"{unready} of {len(pods)} pods are not ready and {unread} do not answer scrapes"
        return told, 2 * unready > len(pods)
    if presence.idle >= plan.unavailable_seconds and presence.stable_done >= STUCK_REQUESTS:
        return f"it finished no request for {presence.idle:.0f} s with some in flight", True
    return "", True


def _standstill(
    presence: Presence, tick: Tick, dt: float, done: float, stable_done: float
) -> Presence:
    inflight = sum(pod.values.inflight or 0.0 for pod in tick.candidate if pod.values is not None)
    if done > 0 or not inflight >= STUCK_REQUESTS:
        return replace(presence, idle=0.0, stable_done=0.0)
    per_pod = stable_done / max(len(tick.stable), 1)
    return replace(presence, idle=presence.idle + dt, stable_done=presence.stable_done + per_pod)


def look_for(
    plan: JudgePlan, presence: Presence, tick: Tick, dt: float, done: float, stable_done: float
) -> Presence:
    """Return the candidate's presence after one more look.

    Time away counts while stable answers, and only once the candidate has been ready. It is
    forgotten after ``STEADY_SECONDS`` without trouble, so a crash loop adds up and one short
    restart does not. Scrapes that fail count, from the first, once they have failed for
    ``SILENCE_SECONDS`` on end: here and there one fails on any busy node. What takes pods away from
    outside is excused until the replacement had its start. A look at which a pod was not
    asked in time neither begins nor ends such a silence.

    Args:
        plan: the limits.
        presence: before the look.
        tick: the look.
        dt: seconds since the last look.
        done: requests the candidate finished since then.
        stable_done: requests stable finished since then.
    """
    presence = _excuse(presence, tick, dt)
    presence = _count_restarts(presence, tick.candidate)
    presence = _standstill(presence, tick, dt, done, stable_done)
    if answers(plan, tick.candidate, tick.at):
        presence = replace(presence, ready_once=True)
    if not presence.ready_once or not answers(plan, tick.stable, tick.at):
        return presence
    cause, sure = _cause(plan, presence, tick)
    dt = min(dt, LONGEST_GAP)
    if cause and not sure and not all(pod.asked for pod in tick.candidate):
        # Who was late may have been the scraper: this look says nothing.
        return presence
    if cause and not sure:
        silent = presence.silent + dt
        if silent < SILENCE_SECONDS:
            return replace(presence, silent=silent)
        dt = dt if presence.silent >= SILENCE_SECONDS else silent
        presence = replace(presence, silent=silent)
    else:
        presence = replace(presence, silent=0.0)
    if cause and presence.excused > 0:
        return replace(presence, cause=f"{cause} (taken away by the cluster or a person)")
    if cause:
        return replace(presence, down=presence.down + dt, up=0.0, cause=cause)
    up = presence.up + dt
    return replace(presence, down=0.0 if up >= STEADY_SECONDS else presence.down, up=up, cause="")


def unavailable(plan: JudgePlan, presence: Presence) -> str:
    """Return why the candidate counts as unavailable, in words; empty if it does not."""
    if presence.down >= plan.unavailable_seconds:
        cause = presence.cause or "its pods come and go"
        return f"away for {presence.down:.0f} s while stable answers: {cause}"
    if presence.restarts >= MOST_RESTARTS:
        return f"{presence.restarts} container restarts in this trial ({presence.ooms} OOM kills)"
    if presence.ooms > 1:
        return f"{presence.ooms} OOM kills in this trial"
    return ""
