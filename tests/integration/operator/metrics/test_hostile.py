"""A Prometheus that hangs, drips, lies or floods slows down nothing and gives no data."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from spark_operator.adapters import http
from spark_operator.adapters.clock import SystemClock
from spark_operator.adapters.metrics.prometheus import PrometheusSeries
from spark_operator.adapters.resolver import Resolver
from spark_operator.adapters.secret_files import SecretFiles
from spark_operator.api.analysis import PrometheusSource
from spark_operator.ports.cluster import Key
from spark_operator.ports.metrics import PrometheusQuery, RenderedQuery

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from spark_operator.ports.metrics import PrometheusResult

    Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

WAIT = 0.3
SPARK = Key("production", "spark")
PODS = {"spark-a": "uid-a", "spark-b": "uid-b"}
LIMIT = 1_048_576


def good(at: float, number: str = "100") -> bytes:
    made = {"__name__": "api_generate_total", "pod": "spark-a", "status_class": "2xx"}
    items = [(made, number), ({"pod": "spark-a", "result": "scraped_at"}, str(at))]
    result = [{"metric": labels, "value": [at, value]} for labels, value in items]
    data = {"resultType": "vector", "result": result}
    return json.dumps({"status": "success", "data": data}).encode()


def answering(body: Callable[[], bytes], status: str = "200 OK", headers: str = "") -> Behaviour:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = body()
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(said)}\r\n{headers}\r\n".encode())
        writer.write(said)
        await writer.drain()

    return answer


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
    for _number in range(1600):
        writer.write(b" " * 65_536)
        await writer.drain()


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@asynccontextmanager
async def serving(behaviour: Behaviour) -> AsyncIterator[tuple[str, list[bytes]]]:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            await behaviour(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


@asynccontextmanager
async def asking(secrets: Path, *, loopback: bool = True) -> AsyncIterator[PrometheusSeries]:
    async with http.Pools(http.client) as pools:
        series = PrometheusSeries(
            pools,
            Resolver(loopback=loopback),
            SecretFiles(secrets),
            SystemClock(),
            wait=WAIT,
            limit=LIMIT,
        )
        try:
            yield series
        finally:
            await series.stop()


def ask(address: str, *questions: RenderedQuery, **source: Any) -> PrometheusQuery:
    made = PrometheusSource(address=address, query_timeout="500ms", **source)
    return PrometheusQuery(SPARK, made, PODS, questions)


async def settled(series: PrometheusSeries, wanted: PrometheusQuery) -> PrometheusResult:
    """The first answer of a round that is over: the second look at a slow source."""
    for _ in range(2):
        await timely(series, wanted)
    return await timely(series, wanted)


async def timely(series: PrometheusSeries, wanted: PrometheusQuery) -> PrometheusResult:
    began = time.monotonic()
    answer = await series.read(wanted)
    assert time.monotonic() - began < WAIT + 0.4
    return answer


def redirect() -> Behaviour:
    return answering(lambda: b"", "302 Found", "Location: http://127.0.0.1:1/\r\n")


HOSTILE = {
    "hangs": hang,
    "drips": drip,
    "floods": flood,
    "resets": reset,
    "500": answering(lambda: b"{}", "500 Internal Server Error"),
    "redirects": redirect(),
    "NaN": answering(lambda: good(time.time(), "NaN")),
    "infinite": answering(lambda: good(time.time(), "+Inf")),
    "from the future": answering(lambda: good(time.time() + 600)),
    "no JSON": answering(lambda: b"<html>"),
    "nothing": answering(
        lambda: b'{"status":"success","data":{"resultType":"vector","result":[]}}'
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_turn_waits_and_no_pod_is_read(name: str, tmp_path: Path) -> None:
    async with serving(HOSTILE[name]) as (address, asked), asking(tmp_path) as series:
        answer = await settled(series, ask(address, RenderedQuery("mine", "up")))
        assert asked
        assert {uid: found.counters for uid, found in answer.readings.items()} == {
            "uid-a": None,
            "uid-b": None,
        }
        assert all(not found.known for found in answer.readings.values())


async def test_frozen_samples_keep_their_age(tmp_path: Path) -> None:
    at = time.time() - 60
    async with serving(answering(lambda: good(at))) as (address, _), asking(tmp_path) as series:
        for _ in range(2):
            reading = (await series.read(ask(address))).readings["uid-a"]
            assert reading.at == pytest.approx(at)
            assert reading.known


async def test_a_slow_answer_is_given_at_the_next_look_and_a_gauge_only_once(
    tmp_path: Path,
) -> None:
    may_answer = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may_answer.wait()
        await answering(lambda: good(time.time()))(reader, writer)

    async with serving(slow) as (address, _), asking(tmp_path) as series:
        first = await series.read(ask(address))
        assert first.readings["uid-a"].counters is None
        may_answer.set()
        second = await series.read(ask(address))
        assert second.readings["uid-a"].counters is not None
        may_answer.clear()
        third = await series.read(ask(address))
        assert third.readings["uid-a"].at == second.readings["uid-a"].at
        assert third.values == ()


def keep_token(secrets: Path, token: str) -> tuple[dict[str, str], Path]:
    """A reference to a token in a mounted Secret, and the Secret's folder."""
    secret = secrets / "spark-prometheus"
    secret.mkdir()
    (secret / "token").write_text(token)
    (secret / "allowed-namespaces").write_text("production")
    return {"name": secret.name, "key": "token"}, secret


async def test_the_token_goes_along_and_stays_out_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ref, secret = keep_token(tmp_path, "s3cret\n")
    failing = answering(lambda: b"", "403 Forbidden")
    async with serving(failing) as (address, asked), asking(tmp_path) as series:
        (secret / "allowed-addresses").write_text(f"{address}/\n")
        await settled(series, ask(address, token_ref=ref))
        assert b"authorization: bearer s3cret" in asked[0].lower()
        assert "answered 403" in caplog.text
        assert "s3cret" not in caplog.text


@pytest.mark.parametrize("token", ["s3cret\nother", "s3cr\u20act", "s3cret\x00"])
async def test_a_token_that_fits_no_header_is_told_without_its_text(
    token: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ref, secret = keep_token(tmp_path, token)
    async with serving(answering(lambda: b"")) as (address, asked), asking(tmp_path) as series:
        (secret / "allowed-addresses").write_text(address)
        answer = await settled(series, ask(address, token_ref=ref))
        assert asked == []
    assert answer.readings["uid-a"].counters is None
    assert "spark-prometheus/token" in caplog.text
    assert "s3cr" not in caplog.text


@pytest.mark.parametrize("port", ["no-port", "99999999", "0"])
async def test_an_address_that_leads_nowhere_is_no_data(
    port: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with asking(tmp_path) as series:
        answer = await settled(series, ask(f"http://127.0.0.1:{port}"))
    assert answer.readings["uid-a"].counters is None
    assert f"no data from http://127.0.0.1:{port}" in caplog.text


async def test_a_token_that_is_for_others_is_not_sent(tmp_path: Path) -> None:
    ref, secret = keep_token(tmp_path, "s3cret")
    async with serving(answering(lambda: b"")) as (address, asked), asking(tmp_path) as series:
        await settled(series, ask(address, token_ref=ref))
        (secret / "allowed-addresses").write_text("http://127.0.0.1:1\n")
        await settled(series, ask(address, token_ref=ref))
        (secret / "allowed-addresses").write_text(address)
        (secret / "allowed-namespaces").write_text("staging")
        await settled(series, ask(address, token_ref=ref))
        assert asked == []


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"])
async def test_link_local_addresses_are_never_asked(
    host: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with asking(tmp_path) as series:
        await settled(series, ask(f"http://{host}"))
    assert "at an address that nothing may be sent to" in caplog.text


async def test_the_operators_own_pod_is_never_asked_in_a_cluster(tmp_path: Path) -> None:
    async with (
        serving(answering(lambda: good(time.time()))) as (address, asked),
        asking(tmp_path, loopback=False) as series,
    ):
        await settled(series, ask(address))
        assert asked == []


async def test_an_idle_resource_is_forgotten(tmp_path: Path) -> None:
    async with serving(hang) as (address, _), asking(tmp_path) as series:
        await series.read(ask(address))
        series.forget(SPARK)
        assert series._askings == {}


async def test_users_queries_are_held_to_their_namespace(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = RenderedQuery("own", "sum(kube_secret_info)")
    others = RenderedQuery("others", 'count(kube_secret_info{namespace="payments"})')
    async with (
        serving(answering(lambda: good(time.time()))) as (address, asked),
        asking(tmp_path) as series,
    ):
        await settled(series, ask(address, own, others))
    said = [parse_qs(urlsplit(head.split(b" ")[1].decode()).query)["query"][0] for head in asked]
    assert len(said) >= 2
    assert all('namespace="production"' in query for query in said)
    assert not any("payments" in query for query in said)
    assert (
        "query others: it is not asked: kube_secret_info asks for another namespace" in caplog.text
    )


async def test_a_token_is_not_sent_for_another_label(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ref, secret = keep_token(tmp_path, "s3cret")
    async with serving(answering(lambda: b"")) as (address, asked), asking(tmp_path) as series:
        (secret / "allowed-addresses").write_text(address)
        await settled(series, ask(address, token_ref=ref, namespace_label="job"))
        assert asked == []
    assert "secret spark-prometheus is for series whose namespace is in the label" in caplog.text
