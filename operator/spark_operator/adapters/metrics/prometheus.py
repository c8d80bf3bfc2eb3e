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

from spark_operator.adapters.addresses import ForbiddenAddressError, UnresolvedError, resolve
from spark_operator.adapters.http import PLAIN, AnswerTooLargeError, BadAnswerError
from spark_operator.adapters.metrics.exposition import NAMES
from spark_operator.adapters.metrics.promql import counters_query
from spark_operator.adapters.metrics.vectors import (
    PrometheusAnswerError,
    Vector,
    readings,
    single,
    vector,
)
from spark_operator.api.values import seconds
from spark_operator.core.judge import QueryValue
from spark_operator.ports.metrics import PrometheusQuery, PrometheusResult, Reading
from spark_operator.ports.notifications import ChannelError

if TYPE_CHECKING:
    from spark_operator.adapters.secret_files import SecretFiles
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.cluster import Key

PODS_A_QUERY: Final = 16
MOST_PODS: Final = 256
MOST_AT_ONCE: Final = 8
"""Queries that one resource has under way."""
IDLE_SECONDS: Final = 300.0
WARN_SECONDS: Final = 60.0
"""How often it is logged that one source fails."""

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
        http: httpx.AsyncClient,
        secrets: SecretFiles,
        clock: Clock,
        *,
        wait: float,
        limit: int,
        loopback: bool = False,
    ) -> None:
        """Make a source for all resources.

        Args:
            http: a client of its own, so that what hangs takes no connection from others.
            secrets: where the bearer tokens are.
            clock: for what is too old or from the future.
            wait: longest time that a reconcile waits for an answer, seconds.
            limit: longest answer to one query, bytes.
            loopback: addresses of this machine may be asked.
        """
        self._http = http
        self._secrets = secrets
        self._clock = clock
        self._wait = wait
        self._limit = limit
        self._loopback = loopback
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

        async def query(text: str) -> Vector | None:
            async with limited:
                return await self._query(ask, asking, text)

        async def pods(chunk: list[str]) -> dict[str, Reading]:
            labels = (ask.source.namespace_label, ask.source.pod_label)
            found = await query(counters_query(NAMES, labels, ask.key.namespace, chunk))
            wanted = {name: ask.pods[name] for name in chunk}
            now = self._clock.now()
            return readings(found or (), ask.source.pod_label, wanted, now)

        async def value(name: str, candidate: str, stable: str) -> QueryValue:
            texts = [text for text in (candidate, stable) if text]
            found = [single(item) for item in await asyncio.gather(*map(query, texts))]
            return QueryValue(name, found[0], found[1] if stable else None)

        counted = asyncio.gather(*map(pods, chunks))
        asked = asyncio.gather(*(value(*question) for question in ask.questions))
        parts, values = await asyncio.gather(counted, asked)
        return PrometheusResult(
            {uid: got for part in parts for uid, got in part.items()}, tuple(values)
        )

    async def _query(self, ask: PrometheusQuery, asking: _Asking, text: str) -> Vector | None:
        """The samples of one query; None where there is no good answer."""
        try:
            return vector(await self._fetch(ask, text))
        except EXPLAINED as error:
            self._warn(ask, asking, str(error))
        except Exception as error:
            # Not its text, which may repeat a header and so the token; and whatever it is, the
            # reconcile that asks has a release to watch.
            self._warn(ask, asking, type(error).__name__)
        return None

    async def _fetch(self, ask: PrometheusQuery, text: str) -> bytes:
        """GET one query; what was resolved and checked is what is connected to."""
        url = httpx.URL(ask.source.address)
        limit = seconds(ask.source.query_timeout)
        headers = {**PLAIN, "Host": url.netloc.decode("ascii"), "Connection": "close"}
        ref = ask.source.token_ref
        if ref is not None:
            token = self._secrets.read_for(ref, ask.key.namespace, ask.source.address)
            headers["Authorization"] = _bearer(token, f"{ref.name}/{ref.key}")
        async with asyncio.timeout(limit):
            port = url.port or (443 if url.scheme == "https" else 80)
            found = await resolve(url.host, port, loopback=self._loopback)
            path = url.path.rstrip("/") + "/api/v1/query"
            target = url.copy_with(host=str(found[0]), path=path)
            async with self._http.stream(
                "GET",
                target,
                params={"query": text, "timeout": f"{limit:g}s"},
                headers=headers,
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            ) as response:
                return await self._body(url.host, response)

    async def _body(self, host: str, response: httpx.Response) -> bytes:
        if response.status_code != 200:
            raise BadAnswerError(f"{host} answered {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._limit:
                raise AnswerTooLargeError(f"{host} sent more than {self._limit} bytes")
        return bytes(body)

    def _warn(self, ask: PrometheusQuery, asking: _Asking, said: str) -> None:
        now = self._clock.now()
        if now - asking.warned_at < WARN_SECONDS:
            return
        asking.warned_at = now
        log.warning("%s: no data from %s: %s", ask.key, ask.source.address, said)


def _bearer(token: str, file: str) -> str:
    """The header's value (RFC 6750).

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
    """A reading for each pod that was asked for."""
    return {
        uid: answer.readings.get(uid, Reading(now, None))._replace(known=uid in asking.seen)
        for uid in ask.pods.values()
    }
