"""Mail against a real SMTP server, with and without TLS, and against bad ones."""

from __future__ import annotations

import asyncio
import time
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest

from spark_operator.ports.notifications import ChannelError, ChannelRefusedError
from tests.integration.operator.notifiers.conftest import DEADLINE_SECONDS
from tests.integration.operator.notifiers.mailbox import PASSWORD, mailbox
from tests.unit.operator.core.notifications.told import EMAIL, message, route

if TYPE_CHECKING:
    import ssl

    from spark_operator.adapters.notifiers.channels import Channels
    from tests.integration.operator.notifiers.conftest import Put

TOLD: Final = message(severity="critical", action="trigger", incident=1)
MAIL: Final = route(email=[EMAIL])
QUOTED: Final = quote(PASSWORD, safe="")


async def test_starttls_with_login(
    channels: Channels, put: Put, server_tls: ssl.SSLContext
) -> None:
    async with mailbox(starttls=server_tls, login=True) as box:
        put("alerts", "value", f"smtp://spark:{QUOTED}@localhost:{box.port}")
        await channels.send(MAIL, TOLD)
    (mail,) = box.mails
    assert box.logins == ["spark"]
    assert mail.rcpt_tos == ["devops@example.com"]
    assert mail.mail_from == "spark@example.com"
    read = message_from_bytes(mail.original_content or b"", policy=default)
    assert read["Subject"] == "[FAILING critical] production/spark: RollingBack ErrorRateCritical"
    assert "50.0% of 1200 requests failed" in read.get_content()


async def test_tls_from_the_start(channels: Channels, put: Put, server_tls: ssl.SSLContext) -> None:
    async with mailbox(tls=server_tls) as box:
        put("alerts", "value", f"smtps://localhost:{box.port}")
        await channels.send(MAIL, TOLD)
    assert len(box.mails) == 1


async def test_a_relay_without_tls_is_used_only_where_the_address_says_so(
    channels: Channels, put: Put
) -> None:
    async with mailbox() as box:
        put("alerts", "value", f"smtp+plain://localhost:{box.port}")
        await channels.send(MAIL, TOLD)
        assert len(box.mails) == 1
        put("alerts", "value", f"smtp://spark:{QUOTED}@localhost:{box.port}")
        with pytest.raises(ChannelError):
            await channels.send(MAIL, TOLD)
    assert box.logins == [], "no password without TLS"
    assert len(box.mails) == 1


async def test_an_untrusted_server_is_given_no_password(
    channels: Channels, put: Put, server_tls: ssl.SSLContext
) -> None:
    async with mailbox(starttls=server_tls, login=True) as box:
        put("alerts", "value", f"smtp://spark:{QUOTED}@127.0.0.1:{box.port}")
        with pytest.raises(ChannelError):
            await channels.send(MAIL, TOLD)
    assert box.logins == []


@pytest.mark.parametrize(
    ("more", "refused", "says"),
    [
        ({"reply": "451 try later"}, False, "localhost answered 451 (SMTPDataError)"),
        (
            {"reply": "554 spam"},
            True,
            "localhost answered 554 (SMTPDataError): check login and addresses",
        ),
        (
            {"refuse": ("devops@example.com",)},
            True,
            "localhost answered 550 (every recipient): check login and addresses",
        ),
    ],
)
async def test_a_server_that_refuses(
    channels: Channels, put: Put, more: dict[str, Any], says: str, *, refused: bool
) -> None:
    async with mailbox(**more) as box:
        put("alerts", "value", f"smtp+plain://localhost:{box.port}")
        with pytest.raises(ChannelError) as caught:
            await channels.send(MAIL, TOLD)
    assert str(caught.value) == says
    assert isinstance(caught.value, ChannelRefusedError) is refused


async def test_a_wrong_password(channels: Channels, put: Put, server_tls: ssl.SSLContext) -> None:
    async with mailbox(starttls=server_tls, login=True) as box:
        put("alerts", "value", f"smtp://spark:wrong@localhost:{box.port}")
        with pytest.raises(ChannelRefusedError, match="535") as caught:
            await channels.send(MAIL, TOLD)
    assert "wrong" not in str(caught.value)


async def test_one_refused_recipient_does_not_make_the_others_get_it_again(
    channels: Channels, put: Put
) -> None:
    both = route(email=[{**EMAIL, "to": ["gone@example.com", "devops@example.com"]}])
    async with mailbox(refuse=("gone@example.com",)) as box:
        put("alerts", "value", f"smtp+plain://localhost:{box.port}")
        await channels.send(both, TOLD)
    assert [mail.rcpt_tos for mail in box.mails] == [["devops@example.com"]]


async def test_a_server_that_says_nothing(channels: Channels, put: Put) -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        put("alerts", "value", f"smtp://localhost:{server.sockets[0].getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(ChannelError):
            await channels.send(MAIL, TOLD)
        assert time.monotonic() - began < DEADLINE_SECONDS + 1
        await asyncio.wait_for(ended.wait(), 5)


@pytest.mark.parametrize(
    "address",
    [
        "localhost:25",
        "http://localhost",
        "smtp://",
        "smtp://localhost:notaport",
        "smtp+plain://spark:password@localhost",
        "smtp://localhost/path",
    ],
)
async def test_addresses_that_are_none(channels: Channels, put: Put, address: str) -> None:
    put("alerts", "value", address)
    with pytest.raises(ChannelRefusedError) as caught:
        await channels.send(MAIL, TOLD)
    assert "password@" not in str(caught.value)
