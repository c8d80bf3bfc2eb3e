"""What the judge is given: one reading of every pod, already plain numbers.

Everything here may be wrong: a scrape can be missed, late, frozen, or hostile. The judge
checks each number itself; an adapter only maps names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """The counters of one scrape of one pod, cumulative since its process started.

    A field that is None was not exposed: it is no data for what it feeds, never a zero.

    Attributes:
        requests: first attempts answered, of any status class, generate and export together.
        failures_app: first attempts answered 5xx for which the app is to blame.
        failures_provider: first attempts answered 5xx for which a provider is to blame.
        client_errors: first attempts answered 4xx; they are among ``requests``.
        latency_buckets: ``(upper bound in s, cumulative count)``, as a Prometheus histogram.
        cache_hits: cache look-ups answered from the cache.
        cache_misses: cache look-ups that were not.
        breakers: ``(provider, "closed" | "open" | "half-open")``.
        calls: ``(provider, calls made of it, however they ended)``.
        inflight: requests being worked on at the moment of the scrape.
    """

    requests: float | None = None
    failures_app: float | None = None
    failures_provider: float | None = None
    client_errors: float | None = None
    latency_buckets: tuple[tuple[float, float], ...] | None = None
    cache_hits: float | None = None
    cache_misses: float | None = None
    breakers: tuple[tuple[str, str], ...] | None = None
    calls: tuple[tuple[str, float], ...] | None = None
    inflight: float | None = None


@dataclass(frozen=True, slots=True)
class PodSample:
    """One pod at one time, as the API server and its own metrics describe it.

    Attributes:
        pod: the pod's UID.
        at: when the values were read, Unix seconds.
        values: what the scrape gave; None when it was missed.
        ready: the pod's Ready condition.
        restarts: the container's restart count.
        started_at: when the container that runs now started, Unix seconds; 0 if unknown.
        oom_killed: the last termination was an OOM kill.
        asked: the scrape was made in time; where it was not, a missed one says nothing of the pod.
    """

    pod: str
    at: float
    values: Counters | None
    ready: bool
    restarts: int
    started_at: float
    oom_killed: bool = False
    asked: bool = True


@dataclass(frozen=True, slots=True)
class QueryValue:
    """The value of one user query at one time; None where the source had no answer.

    Attributes:
        name: the query's name.
        candidate: the candidate's value.
        stable: stable's, where they are compared.
        problem: why there is no value, in words; empty where that is not known.
    """

    name: str
    candidate: float | None
    stable: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """Everything known at one moment.

    A pod that exists and was not scraped is in the tuple with ``values=None``; a pod that is
    being deleted on purpose is left out.

    Attributes:
        at: the moment, Unix seconds; ticks must rise in it, others are ignored.
        candidate: the pods on trial.
        stable: the pods they are compared with.
        queries: the values of the plan's user queries.
        disrupted: pods of the candidate that the cluster or a person takes away.
    """

    at: float
    candidate: tuple[PodSample, ...]
    stable: tuple[PodSample, ...]
    queries: tuple[QueryValue, ...] = ()
    disrupted: tuple[str, ...] = ()
