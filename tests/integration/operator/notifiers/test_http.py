"""HTTP channels against servers that answer, hang, fail, reset, redirect and flood."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import time
from typing import TYPE_CHECKING, Final

import pytest

from spark_operator.adapters import http
from spark_operator.adapters.addresses import is_forbidden
from spark_operator.adapters.clock import SystemClock
from spark_operator.adapters.notifiers.channels import PAGERDUTY, Channels
from spark_operator.adapters.notifiers.outgoing import Outgoing
from spark_operator.adapters.secret_files import SecretFiles
from spark_operator.ports.notifications import ChannelError, ChannelRefusedError
from spark_operator.runtime.wiring import trusted
from tests.integration.operator.notifiers.conftest import DEADLINE_SECONDS
from tests.integration.operator.notifiers.sinks import http_sink, incidents
from tests.unit.operator.core.notifications.told import PAGER, SLACK, message, route, webhook

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from dev.cluster.node.certs import Authority
    from tests.integration.operator.notifiers.conftest import Put

TOLD: Final = message(severity="critical", action="trigger", incident=1)


async def test_slack_gets_text_at_its_secret_address(channels: Channels, put: Put) -> None:
    async with http_sink() as sink:
        put("alerts", "value", f"{sink.url}/services/T1/B2/secret\n")
        await channels.send(route(slack=[SLACK]), TOLD)
    (got,) = sink.received
    assert got.path == "/services/T1/B2/secret"
    assert got.json["text"].startswith("FAILING critical: production/spark")
    assert got.headers["Host"] == sink.url.removeprefix("http://")


async def test_a_rotated_address_needs_no_restart(channels: Channels, put: Put) -> None:
    async with http_sink() as old, http_sink() as new:
        put("alerts", "value", old.url)
        await channels.send(route(slack=[SLACK]), TOLD)
        put("alerts", "value", new.url)
        await channels.send(route(slack=[SLACK]), TOLD)
    assert (len(old.received), len(new.received)) == (1, 1)


async def test_webhook_is_signed_over_time_and_body(channels: Channels, put: Put) -> None:
    put("hook", "key", "hmac-key")
    async with http_sink() as sink:
        told = webhook(sink.url, signingKey={"name": "hook", "key": "key"})
        await channels.send(told, TOLD)
    (got,) = sink.received
    signed = got.headers["X-Spark-Timestamp"].encode() + b"." + got.body
    expected = hmac.new(b"hmac-key", signed, hashlib.sha256).hexdigest()
    assert got.headers["X-Spark-Signature"] == f"sha256={expected}"
    assert abs(int(got.headers["X-Spark-Timestamp"]) - time.time()) < 60
    assert got.headers["Idempotency-Key"] == got.json["id"] == TOLD.key
    assert got.headers["Content-Type"] == "application/json"


async def test_pagerduty_opens_acknowledges_and_resolves_one_incident(
    secrets: Path, put: Put
) -> None:
    put("alerts", "value", "R0UT1NGKEY")
    async with http_sink("202") as sink, http.client() as client:
        outgoing = Outgoing(client, loopback=True)
        channels = Channels(
            outgoing,
            SecretFiles(secrets),
            trusted(""),
            SystemClock(),
            pagerduty=f"{sink.url}/v2/enqueue",
        )
        states = []
        for action in ("trigger", "trigger", "acknowledge", "resolve", "resolve"):
            told = message(severity="critical", action=action, incident=1)
            await channels.send(route(pagerDuty=[PAGER]), told)
            states.append(incidents(sink.received))
    key = TOLD.incident
    assert [state[key] for state in states] == [
        "triggered",
        "triggered",
        "acknowledged",
        "resolved",
        "resolved",
    ]
    assert {got.json["routing_key"] for got in sink.received} == {"R0UT1NGKEY"}
    assert {got.path for got in sink.received} == {"/v2/enqueue"}


def test_pagerduty_is_called_at_its_own_addresses() -> None:
    assert PAGERDUTY["us"] == "https://events.pagerduty.com/v2/enqueue"


@pytest.mark.parametrize(
    ("mode", "refused", "says"),
    [
        ("500", False, "localhost answered 500"),
        ("503", False, "localhost answered 503"),
        ("busy", False, "localhost answered 429"),
        ("404", True, "localhost answered 404: check the channel's address and key"),
        ("redirect", True, "localhost answered 307: redirects are not followed"),
        ("reset", False, "localhost: RemoteProtocolError"),
        ("hang", False, "no answer within 0.5 s"),
    ],
)
async def test_a_sink_that_does_not_take_it(
    channels: Channels, mode: str, says: str, *, refused: bool
) -> None:
    async with http_sink(mode) as sink:
        began = time.monotonic()
        with pytest.raises(ChannelError) as caught:
            await channels.send(webhook(f"{sink.url}/hook"), TOLD)
        assert time.monotonic() - began < DEADLINE_SECONDS + 1
    assert str(caught.value) == says
    assert isinstance(caught.value, ChannelRefusedError) is refused
    assert {got.path for got in sink.received} == {"/hook"}
    assert caught.value.retry_after == (17 if mode == "busy" else 0)


async def test_an_endless_answer_is_cut(channels: Channels) -> None:
    async with http_sink("flood") as sink:
        began = time.monotonic()
        await channels.send(webhook(sink.url), TOLD)
        assert time.monotonic() - began < DEADLINE_SECONDS


async def test_nobody_there(channels: Channels) -> None:
    async with http_sink() as sink:
        url = sink.url
    with pytest.raises(ChannelError, match="refuses the connection") as caught:
        await channels.send(webhook(url), TOLD)
    assert not isinstance(caught.value, ChannelRefusedError)


async def test_a_name_without_address(channels: Channels) -> None:
    with pytest.raises(ChannelError, match=r"nowhere\.invalid has no address"):
        await channels.send(webhook("https://nowhere.invalid/hook"), TOLD)


async def test_tls_is_checked_by_the_name(channels: Channels, server_tls: ssl.SSLContext) -> None:
    async with http_sink(tls=server_tls) as sink:
        await channels.send(webhook(sink.url), TOLD)
        with pytest.raises(ChannelError, match="certificate is not trusted"):
            await channels.send(webhook(sink.url.replace("localhost", "127.0.0.1")), TOLD)
    assert len(sink.received) == 1


async def test_an_unknown_authority_is_not_trusted(
    secrets: Path, server_tls: ssl.SSLContext, authority: Authority
) -> None:
    del authority
    async with http_sink(tls=server_tls) as sink, http.client(trusted("")) as client:
        channels = Channels(
            Outgoing(client, loopback=True), SecretFiles(secrets), trusted(""), SystemClock()
        )
        with pytest.raises(ChannelError, match="certificate is not trusted"):
            await channels.send(webhook(sink.url), TOLD)
    assert sink.received == []


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:{port}/",
        "http://127.0.0.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://0.0.0.0:{port}/",
    ],
)
async def test_nothing_is_sent_where_it_would_harm(secrets: Path, put: Put, address: str) -> None:
    async with http_sink() as sink, http.client() as client:
        port = sink.url.rpartition(":")[2]
        put("alerts", "value", address.format(port=port))
        channels = Channels(Outgoing(client), SecretFiles(secrets), trusted(""), SystemClock())
        with pytest.raises(ChannelRefusedError, match="nothing may be sent to"):
            await channels.send(route(slack=[SLACK]), TOLD)
    assert sink.received == []


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://x/", "https://u:p@host/", "https://", "://", "x" * 99]
)
async def test_other_addresses_are_refused(channels: Channels, put: Put, address: str) -> None:
    put("alerts", "value", address)
    with pytest.raises(ChannelRefusedError):
        await channels.send(route(slack=[SLACK]), TOLD)


@pytest.mark.parametrize(
    ("address", "forbidden"),
    [
        ("93.184.216.34", False),
        ("10.0.0.7", False),
        ("192.168.1.1", False),
        ("fd12::1", False),
        ("2606:2800:220:1::1", False),
        ("127.0.0.1", True),
        ("::1", True),
        ("169.254.0.1", True),
        ("100.100.100.200", True),
        ("168.63.129.16", True),
        ("224.0.0.1", True),
        ("ff02::1", True),
        ("::", True),
        ("255.255.255.255", True),
        ("::ffff:169.254.169.254", True),
        ("64:ff9b::169.254.169.254", True),
        ("64:ff9b::93.184.216.34", False),
    ],
)
def test_addresses(address: str, *, forbidden: bool) -> None:
    assert is_forbidden(ipaddress.ip_address(address), loopback=False) is forbidden


async def test_many_at_once_do_not_wait_for_one_that_hangs(channels: Channels) -> None:
    async with http_sink("hang") as bad, http_sink() as good:
        hanging = asyncio.create_task(channels.send(webhook(bad.url), TOLD))
        await bad.arrived.wait()
        began = time.monotonic()
        await channels.send(webhook(good.url), TOLD)
        assert time.monotonic() - began < DEADLINE_SECONDS / 2
        with pytest.raises(ChannelError, match="no answer"):
            await hanging
