"""The metrics source that asks a Prometheus, which a user names and which may do what it likes.

Asking goes on beside the reconciles: one waits for an answer only a short while and takes what
came before, whose samples carry their own times.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from spark_operator.adapters.http import PLAIN, AnswerTooLargeError, BadAnswerError
from spark_operator.adapters.metrics.exposition import NAMES
from spark_operator.adapters.metrics.promql import counters_query
from spark_operator.adapters.metrics.scoping import QueryRefusedError, scoped
from spark_operator.adapters.metrics.vectors import (
    PrometheusAnswerError,
    Vector,
    readings,
    single,
    vector,
)
from spark_operator.adapters.resolver import ForbiddenAddressError, UnresolvedError
from spark_operator.api.values import seconds
from spark_operator.core.judge import QueryValue
from spark_operator.ports.metrics import PrometheusQuery, PrometheusResult, Reading
from spark_operator.ports.notifications import ChannelError

if TYPE_CHECKING:
    from spark_operator.adapters.http import Pools
    from spark_operator.adapters.resolver import Resolver
    from spark_operator.adapters.secret_files import SecretFiles
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.cluster import Key

PODS_A_QUERY: Final = 16
MOST_PODS: Final = 256
MOST_AT_ONCE: Final = 8
"""Queries that one resource has under way."""
VALUE_BYTES: Final = 65_536
"""Longest answer to a query that gives one value."""
IDLE_SECONDS: Final = 300.0
WARN_SECONDS: Final = 60.0
"""How often it is logged that one source fails."""

EXPLAINING: Final = (400, 422)
"""With these a Prometheus says what is wrong with a query."""
EXPLAINED: Final = (
    UnresolvedError,
    ForbiddenAddressError,
    AnswerTooLargeError,
    BadAnswerError,
    ChannelError,
    PrometheusAnswerError,
)
"""Errors whose messages are ours: they say what is wrong and hold no credential."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Asking:
    """What is known about one resource's pods, and the round that is under way."""

    used_at: float
    answer: PrometheusResult = field(default_factory=PrometheusResult)
    seen: frozenset[str] = frozenset()
    """UIDs of the pods that the source has had."""
    task: asyncio.Task[PrometheusResult] | None = None
    warned_at: float = 0.0


class PrometheusSeries:
    """The ``Series`` port on Prometheus' HTTP API.

    Source: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
    """

    def __init__(
        self,
        pools: Pools,
        resolver: Resolver,
        secrets: SecretFiles,
        clock: Clock,
        *,
        wait: float,
        limit: int,
    ) -> None:
        """Make a source for all resources.

        Args:
            pools: clients, one for each namespace.
            resolver: gives addresses that may be asked.
            secrets: where the bearer tokens are.
            clock: for what is too old or from the future.
            wait: longest time that a reconcile waits for an answer, seconds.
            limit: longest answer to one query, bytes.
        """
        self._pools = pools
        self._resolver = resolver
        self._secrets = secrets
        self._clock = clock
        self._wait = wait
        self._limit = limit
        self._askings: dict[Key, _Asking] = {}

    async def read(self, ask: PrometheusQuery) -> PrometheusResult:
        """See ``Series.read``."""
        now = self._clock.now()
        self._forget_idle(now)
        asking = self._askings.setdefault(ask.key, _Asking(now))
        asking.used_at = now
        if asking.task is None:
            asking.task = asyncio.create_task(self._round(ask, asking), name=f"ask {ask.key}")
        done, _ = await asyncio.wait({asking.task}, timeout=self._wait)
        # A query's value counts once; counters have times and may be given again.
        answer = asking.answer._replace(values=())
        if done:
            finished, asking.task = asking.task, None
            asking.answer = answer = finished.result()
            asking.seen |= {uid for uid, found in answer.readings.items() if found.counters}
        return answer._replace(readings=_of(ask, asking, answer, now))

    def forget(self, key: Key) -> None:
        """See ``Series.forget``."""
        asking = self._askings.pop(key, None)
        if asking is not None and asking.task is not None:
            asking.task.cancel()

    async def stop(self) -> None:
        """End what is under way."""
        tasks = [asking.task for asking in self._askings.values() if asking.task]
        for key in tuple(self._askings):
            self.forget(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget_idle(self, now: float) -> None:
        for key, asking in tuple(self._askings.items()):
            if now - asking.used_at > IDLE_SECONDS:
                self.forget(key)

    async def _round(self, ask: PrometheusQuery, asking: _Asking) -> PrometheusResult:
        limited = asyncio.Semaphore(MOST_AT_ONCE)
        names = sorted(ask.pods)[:MOST_PODS]
        chunks = [names[at : at + PODS_A_QUERY] for at in range(0, len(names), PODS_A_QUERY)]

        async def query(text: str, limit: int = self._limit) -> Vector | str:
            async with limited:
                return await self._query(ask, asking, text, limit)

        async def own(name: str, text: str) -> Vector | str:
            try:
                held = scoped(text, ask.source.namespace_label, ask.key.namespace)
            except QueryRefusedError as error:
                said = f"it is not asked: {error}"
                self._warn(ask, asking, f"query {name}: {said}")
                return said
            return await query(held, VALUE_BYTES)

        async def pods(chunk: list[str]) -> dict[str, Reading]:
            labels = (ask.source.namespace_label, ask.source.pod_label)
            found = await query(counters_query(NAMES, labels, ask.key.namespace, chunk))
            wanted = {name: ask.pods[name] for name in chunk}
            now = self._clock.now()
            got = () if isinstance(found, str) else found
            return readings(got, ask.source.pod_label, wanted, now)

        async def value(name: str, candidate: str, stable: str) -> QueryValue:
            texts = [text for text in (candidate, stable) if text]
            asked = (own(name, text) for text in texts)
            found = [single(item) for item in await asyncio.gather(*asked)]
            values = [None if isinstance(item, str) else item for item in found]
            problem = next((item for item in found if isinstance(item, str)), "")
            return QueryValue(name, values[0], values[1] if stable else None, problem)

        counted = asyncio.gather(*map(pods, chunks))
        asked = asyncio.gather(*(value(*question) for question in ask.questions))
        parts, values = await asyncio.gather(counted, asked)
        return PrometheusResult(
            {uid: got for part in parts for uid, got in part.items()}, tuple(values)
        )

    async def _query(
        self, ask: PrometheusQuery, asking: _Asking, text: str, limit: int
    ) -> Vector | str:
        """Return the samples of one query, or in words why there is no good answer."""
        try:
            return vector(await self._fetch(ask, text, limit))
        except EXPLAINED as error:
            said = str(error)
        except Exception as error:
            # Not its text, which may repeat a header and so the token; and whatever it is, the
            # reconcile that asks has a release to watch.
            said = type(error).__name__
        self._warn(ask, asking, said)
        return said

    async def _fetch(self, ask: PrometheusQuery, text: str, most: int) -> bytes:
        """GET one query; what was resolved and checked is what is connected to."""
        url = httpx.URL(ask.source.address)
        limit = seconds(ask.source.query_timeout)
        headers = {**PLAIN, "Host": url.netloc.decode("ascii"), "Connection": "close"}
        ref = ask.source.token_ref
        if ref is not None:
            token = self._secrets.read_for(ref, ask.key.namespace, ask.source.address)
            self._secrets.must_label(ref, ask.source.namespace_label)
            headers["Authorization"] = _bearer(token, f"{ref.name}/{ref.key}")
        async with asyncio.timeout(limit):
            port = url.port or (443 if url.scheme == "https" else 80)
            found = await self._resolver.resolve(ask.key.namespace, url.host, port)
            path = url.path.rstrip("/") + "/api/v1/query"
            target = url.copy_with(host=str(found[0]), path=path)
            async with (
                self._pools.of(ask.key.namespace) as http,
                http.stream(
                    "GET",
                    target,
                    params={"query": text, "timeout": f"{limit:g}s"},
                    headers=headers,
                    extensions={"sni_hostname": url.raw_host.decode("ascii")},
                ) as response,
            ):
                return await _body(url.host, response, most)

    def _warn(self, ask: PrometheusQuery, asking: _Asking, said: str) -> None:
        now = self._clock.now()
        if now - asking.warned_at < WARN_SECONDS:
            return
        asking.warned_at = now
        log.warning("%s: no data from %s: %s", ask.key, ask.source.address, said)


async def _body(host: str, response: httpx.Response, most: int) -> bytes:
    if response.status_code not in (200, *EXPLAINING):
        raise BadAnswerError(f"{host} answered {response.status_code}")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            raise AnswerTooLargeError(f"{host} sent more than {most} bytes")
    return bytes(body)


def _bearer(token: str, file: str) -> str:
    """Return the header's value (RFC 6750).

    Raises:
        ChannelError: the token is none; the message names its file.
    """
    if not token.isascii() or not token.isprintable():
        raise ChannelError(
            f"secret file {file} is no bearer token: put one line of ASCII characters there"
        )
    return f"Bearer {token}"


def _of(
    ask: PrometheusQuery, asking: _Asking, answer: PrometheusResult, now: float
) -> dict[str, Reading]:
    """Return a reading for each pod that was asked for."""
    return {
        uid: answer.readings.get(uid, Reading(now, None))._replace(known=uid in asking.seen)
        for uid in ask.pods.values()
    }
