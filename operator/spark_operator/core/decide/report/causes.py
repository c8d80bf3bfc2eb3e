"""What explains a symptom: each function looks for one cause and says what to do about it.

Metrics are those of ``docs/app.md``, "For diagnosis". Each says sentences, none where it is well.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.api.values import fraction
from spark_operator.core.decide.report.wording import about, percent
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.observe.vitals import Trend

Causes = tuple[str, ...]

FIELDS: Final = {"claude": "anthropicAPIKey", "openai": "openaiAPIKey"}
KINDS: Final = {
    "unauthorized": "its key is refused: check the Secret that secrets names",
    "rate_limited": "its quota is used up: raise it at the provider or send less",
    "timeout": "it does not answer in time: see its status page",
    "connection": "it cannot be reached: see the network and its status page",
    "server": "it answers with errors of its own: see its status page",
    "malformed": "its answers cannot be read: see its changelog",
    "rejected": "it rejects what is sent: see the release's changes",
}
QUOTA_LOW: Final = 0.05
POOL_FULL: Final = 0.9
THROTTLED: Final = 0.25
MEMORY_HIGH: Final = 0.9
RECENT: Final = timedelta(hours=1)
FEWEST_LOOKUPS: Final = 20.0
MOST_NAMED: Final = 3
_UNNAMED: Final = "other"
"""The key id under which the service counts all keys where it names none."""


def keys(trend: Trend) -> Causes:
    """Yield the configured keys that their provider refuses."""
    present = trend.now("spark_provider_key_present", by="provider")
    accepted = trend.now("spark_provider_keys_accepted", by="provider")
    return tuple(
        f"{provider} refuses its key on {bad} of {len(counts)} pods:"
        f" check secrets.{FIELDS.get(provider, provider)}"
        for provider, counts in sorted(accepted.items())
        if (bad := sum(count == 0 for count in counts)) and max(present.get(provider, [0])) > 0
    )


def breakers(trend: Trend) -> Causes:
    """Yield breakers that are not closed, and what opened them."""
    found = []
    closed = trend.now("spark_circuit_breaker_state", by="provider", state="closed")
    for provider, states in sorted(closed.items()):
        opened = sum(state == 0 for state in states)
        if opened:
            why = _kinds(trend, provider)
            found.append(
                f"the breaker of {provider} is not closed on {opened} of {len(states)} pods"
                + (f"; {why}" if why else "; it closes once a trial call succeeds")
            )
    return tuple(found)


def providers(trend: Trend) -> Causes:
    """Yield what providers' calls failed of, where no breaker says it already."""
    closed = trend.now("spark_circuit_breaker_state", by="provider", state="closed")
    names = sorted(trend.gained("spark_provider_failures_total", by="provider"))
    return tuple(
        f"calls to {provider} fail; {why}"
        for provider in names
        if min(closed.get(provider, [1.0])) > 0 and (why := _kinds(trend, provider))
    )


def _kinds(trend: Trend, provider: str) -> str:
    failures = trend.gained("spark_provider_failures_total", by="kind", provider=provider)
    kind = max(failures, key=lambda name: failures[name], default="")
    if not kind or failures[kind] <= 0:
        return ""
    return f"mostly {kind}: {KINDS.get(kind, 'see the logs')}"


def quotas(trend: Trend) -> Causes:
    """Yield quotas at a provider that are nearly used up."""
    found = []
    names = trend.now("spark_provider_quota_limit", by="provider")
    for provider in sorted(names):
        left = trend.now("spark_provider_quota_remaining", by="resource", provider=provider)
        most = trend.now("spark_provider_quota_limit", by="resource", provider=provider)
        for resource, values in sorted(left.items()):
            limit = max(most.get(resource, [0.0]))
            if limit > 0 and min(values) <= QUOTA_LOW * limit:
                share = percent(min(values) / limit)
                found.append(
                    f"{share} of the {resource} quota at {provider} is left: raise it there, or"
                    f" put the other provider first in providers.order"
                )
    return tuple(found)


def killed(trend: Trend) -> Causes:
    """Yield containers that ended because they used too much memory, or ended at all."""
    restarted = [
        item.pod
        for item in trend.pods
        if item.pod.restarts > (old.pod.restarts if (old := trend.was_there(item.pod.uid)) else 0)
    ]
    ooms = [pod for pod in restarted if pod.oom_killed]
    if ooms:
        return (
            (
                f"{len(ooms)} pods ran out of memory, such as {ooms[0].name}:"
                " raise pod.resources.limits.memory"
            ),
        )
    if restarted:
        return (
            f"{len(restarted)} containers restarted: kubectl logs --previous {restarted[0].name}",
        )
    return ()


def unready(trend: Trend) -> Causes:
    """Yield pods that were not ready in the oldest round and still are not."""
    pods = [
        item.pod
        for item in trend.pods
        if not item.pod.ready and (old := trend.was_there(item.pod.uid)) and not old.pod.ready
    ]
    if not pods:
        return ()
    why = next((pod.trouble for pod in pods if pod.trouble), "it reports no problem")
    return (f"{len(pods)} of {len(trend.pods)} pods are not ready, such as {pods[0].name}: {why}",)


def cache(draft: RolloutDraft, trend: Trend) -> Causes:
    """Yield a cache that seldom has the answer."""
    hits = trend.gain("spark_cache_requests_total", result="hit")
    total = trend.gain("spark_cache_requests_total")
    limit = draft.spec.analysis.cache_hit_rate.warning
    if total < FEWEST_LOOKUPS or hits >= fraction(limit) * total:
        return ()
    return (
        (
            f"{percent(hits / total)} of look-ups are found in the cache (warning below {limit}):"
            " see whether Redis answers and whether prompts repeat at all"
        ),
    )


def slow_providers(trend: Trend, bound: float) -> Causes:
    """Yield providers whose calls take most of the time that a generation may take."""
    spent = trend.gained("spark_provider_duration_seconds_sum", by="provider")
    calls = trend.gained("spark_provider_duration_seconds_count", by="provider")
    return tuple(
        f"a call to {provider} takes {about(spent[provider] / calls[provider])} s:"
        " see its status page, or put the other provider first in providers.order"
        for provider in sorted(spent)
        if calls.get(provider, 0) > 0 and spent[provider] / calls[provider] > bound / 2
    )


def pools(trend: Trend) -> Causes:
    """Yield pools of connections that are all in use."""
    found = []
    named = {
        **{f"connections to {p}": ("spark_provider_connections", p) for p in FIELDS},
        "connections to PostgreSQL": ("spark_database_pool", ""),
    }
    for words, (metric, provider) in named.items():
        where = {"provider": provider} if provider else {}
        used = trend.now(metric, by="state", **where)
        most = max(used.get("max", [0.0]))
        if most > 0 and max(used.get("in_use", [0.0])) >= POOL_FULL * most:
            found.append(
                f"the {words} are all in use (at most {most:.0f} for each pod): add replicas"
            )
    return tuple(found)


def resources(trend: Trend) -> Causes:
    """Yield CPU that is held back by its limit, and memory close to it."""
    found = []
    periods = trend.gain("spark_cpu_periods_total")
    held = trend.gain("spark_cpu_throttled_periods_total")
    if periods > 0 and held > THROTTLED * periods:
        found.append(
            f"the CPU limit holds the pods back in {percent(held / periods)} of the time:"
            " raise pod.resources.limits.cpu or add replicas"
        )
    limit = max(trend.now("spark_memory_limit_bytes").get("", [0.0]))
    used = max(trend.now("spark_memory_working_set_bytes").get("", [0.0]))
    if limit > 0 and used > MEMORY_HIGH * limit:
        found.append(
            f"a pod uses {percent(used / limit)} of its memory: raise pod.resources.limits.memory"
        )
    return tuple(found)


def limited_keys(trend: Trend) -> Causes:
    """Yield whose requests are refused, and how much of its limit the busiest key has left."""
    by_key = {
        key: sum(counts)
        for key, counts in trend.now("spark_rate_limited_recent", by="key_id").items()
    }
    total = sum(by_key.values())
    if total <= 0:
        return ("no key stands out: raise SPARK_RATE_LIMIT in config if the limit is too low",)
    if set(by_key) == {_UNNAMED}:
        return (
            (
                "the pods name no keys in metrics (SPARK_METRICS_KEY_IDS in config); their access"
                " logs do: ask the owner to send less, or raise SPARK_RATE_LIMIT in config"
            ),
        )
    first = sorted(by_key, key=lambda key: (-by_key[key], key))[:MOST_NAMED]
    said = ", ".join(f"{key or 'unnamed'} {percent(by_key[key] / total)}" for key in first)
    return (
        (
            f"by key: {said}: ask its owner to send less, or raise SPARK_RATE_LIMIT in config"
            " (a new release)"
        ),
    )


def recent_release(draft: RolloutDraft) -> Causes:
    """Yield a release that became stable lately."""
    role = draft.status.stable
    if role is None or draft.at - role.since > RECENT or not draft.status.history:
        return ()
    last = next(
        (item for item in draft.status.history if item.outcome == RolloutOutcome.PROMOTED), None
    )
    if last is None or last.release != role.release or last.reason == DecisionReason.FIRST_RELEASE:
        return ()
    return (
        (
            f"{role.image} is stable since {role.since:%H:%M}Z only:"
            " spark.dev/rollback-to: RELEASE@TOKEN goes back, status.history names releases"
        ),
    )
