"""Mail by SMTP, with TLS unless the address says otherwise."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from spark_operator.ports.notifications import ChannelError, ChannelRefusedError

if TYPE_CHECKING:
    import ssl
    from email.message import EmailMessage

PORTS: Final = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


@dataclass(frozen=True, slots=True, repr=False)
class Server:
    """A mail server's address; has no repr, because of the password."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None


def parse(address: str) -> Server:
    """Read ``smtp://``, ``smtps://`` or ``smtp+plain://`` with optional USER:PASSWORD@.

    Raises:
        ChannelRefusedError: it is none of these, or would send a password without TLS.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in PORTS or not host or parts.path not in ("", "/"):
        raise ChannelRefusedError(
            "the mail server's address is not smtp://USER:PASSWORD@HOST:PORT, smtps://... or"
            " smtp+plain://HOST:PORT: correct the mounted file"
        )
    if parts.scheme == "smtp+plain" and parts.password is not None:
        raise ChannelRefusedError(
            "smtp+plain would send the password in the clear: use smtp:// or smtps://"
        )
    return Server(
        scheme=parts.scheme,
        host=host,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


async def send(address: str, mail: EmailMessage, tls: ssl.SSLContext, seconds: float) -> None:
    """Deliver one mail; return once the server has taken it for every recipient it accepts.

    Raises:
        ChannelRefusedError: the server refuses sender, all recipients, login or content for good.
        ChannelError: the server could not be reached, has no trusted TLS, or cannot take it now.
    """
    server = parse(address)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.scheme == "smtps",
        start_tls=server.scheme == "smtp",
        tls_context=None if server.scheme == "smtp+plain" else tls,
        timeout=seconds,
        local_hostname=platform.node() or "spark-operator",
    )
    try:
        async with client:
            await client.send_message(mail)
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = sorted({item.code for item in error.recipients})
        raise _judged(server.host, max(codes, default=550), "every recipient") from None
    except aiosmtplib.SMTPResponseException as error:
        raise _judged(server.host, error.code, type(error).__name__) from None
    except aiosmtplib.SMTPTimeoutError:
        raise ChannelError(f"{server.host} did not answer in time") from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        # Without the cause: the server's words may repeat what was sent.
        raise ChannelError(f"{server.host}: {type(error).__name__}") from None
    finally:
        client.close()


def _judged(host: str, code: int, what: str) -> ChannelError:
    if 500 <= code < 600:
        return ChannelRefusedError(f"{host} answered {code} ({what}): check login and addresses")
    return ChannelError(f"{host} answered {code} ({what})")
