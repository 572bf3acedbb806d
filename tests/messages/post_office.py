"""The far side of e-mail: a real mail server on loopback with TLS, and a switch for each way to misbehave."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class PostOffice:
    """Takes letters, or says what `fault` says: the answer to `RCPT` or, after a colon, to that command."""

    def __init__(self) -> None:
        self.fault = ""
        self.letters: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.connections = 0
        self.tls: list[bool] = []
        """Of each letter, whether it came by TLS."""
        self.users: list[str] = []
        self.visitor = ""
        """The token of whoever the letters are for."""
        self.port = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.fault:
            return self.fault
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.tls.append(session.ssl is not None)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.users.append(data.login.decode())
        return AuthResult(success=data.password == b"right", handled=False)


@asynccontextmanager
async def post_office(
    tls: ssl.SSLContext | None = None, *, at_once: bool = False, asks_who: bool = False, port: int = 0
) -> AsyncIterator[PostOffice]:
    """A mail server on a free port; with `tls` it offers STARTTLS, or speaks TLS from the first byte."""
    office = PostOffice()

    def protocol() -> SMTP:
        office.connections += 1
        return SMTP(
            office,
            hostname="mail.example.com",
            tls_context=None if at_once else tls,
            authenticator=office.authenticate if asks_who else None,
            auth_require_tls=bool(tls) and not at_once,
            auth_required=asks_who,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", port, ssl=tls if at_once else None)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
        await server.wait_closed()
