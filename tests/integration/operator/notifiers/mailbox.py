"""A real SMTP server that takes mails, or refuses them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

PASSWORD: Final = "p@ss/w:rd"


@dataclass
class Mailbox:
    """Takes mails; ``reply`` is what it says to one."""

    port: int = 0
    reply: str = "250 taken"
    refuse: tuple[str, ...] = ()
    mails: list[Envelope] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        if address in self.refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.reply.startswith("250"):
            self.mails.append(envelope)
        return self.reply

    def authenticate(
        self, _: SMTP, __: Session, ___: Envelope, ____: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)


@asynccontextmanager
async def mailbox(
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    *,
    login: bool = False,
    **more: Any,
) -> AsyncIterator[Mailbox]:
    """A mail server on a free port of ``localhost``."""
    box = Mailbox(**more)

    sessions: list[SMTP] = []

    def session() -> SMTP:
        made = SMTP(
            box,
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=box.authenticate,
            auth_required=login,
            auth_require_tls=starttls is not None,
        )
        sessions.append(made)
        return made

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=tls)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        for one in sessions:
            if isinstance(one.transport, asyncio.Transport):
                one.transport.abort()
        await asyncio.sleep(0)
        await server.wait_closed()
