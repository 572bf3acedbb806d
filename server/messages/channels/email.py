"""E-mail: a letter to the person's own address, by the operator's mail server.

Never to an address that nobody has proved unless the rule says so, never to one that has unsubscribed, never
without TLS where it is required. Without LEADTRAIL_SMTP_URL letters are held.
"""

import ssl
from email.message import EmailMessage

import aiosmtplib
import msgspec

from server.messages.channel import Delivered, Dropped, Failed, Hopeless, Means, Outcome
from server.messages.letter import Content, Mailbox, write_letter
from server.model import Delivery
from server.relay import Relay, Tls

NAME = "email"

SECONDS = 20
"""For each step of talking to the mail server."""


class Email:
    """Implements `Channel`."""

    name = NAME
    # Mail servers refuse those who come with many connections at once.
    at_once = 4
    each = 4

    def __init__(self, means: Means) -> None:
        self._relay = means.relay
        self._unsubscribing = means.unsubscribing
        self._host = means.host
        self._verified = ssl.create_default_context()
        self._unverified = ssl.create_default_context()
        self._unverified.check_hostname = False
        self._unverified.verify_mode = ssl.CERT_NONE

    def held(self) -> str | None:
        return None if self._relay else "LEADTRAIL_SMTP_URL is not set, so letters wait."

    async def send(self, delivery: Delivery, now: int) -> Outcome:
        assert self._relay is not None
        try:
            content = msgspec.convert(delivery.content, Content)
        except msgspec.ValidationError as error:
            return Hopeless(str(error))
        if not content.verified and not content.to_unverified:
            return Dropped("unverified")
        if await self._unsubscribing.is_out(delivery, content.to):
            return Dropped("unsubscribed")
        default = Mailbox(self._relay.sender_name, self._relay.sender or f"leadtrail@{self._host}")
        link = self._unsubscribing.url(delivery, content.to)
        try:
            letter = write_letter(delivery, content, default, link)
        except ValueError as error:
            return Hopeless(str(error))
        try:
            await self._hand_over(letter, self._relay)
        except (aiosmtplib.SMTPException, OSError) as error:
            return _outcome(error)
        return Delivered()

    async def _hand_over(self, letter: EmailMessage, relay: Relay) -> None:
        await aiosmtplib.send(
            letter,
            hostname=relay.host,
            port=relay.port,
            username=relay.user,
            password=relay.password,
            local_hostname=self._host,
            timeout=SECONDS,
            use_tls=relay.tls is Tls.at_once,
            # None: if it is offered.
            start_tls={Tls.at_once: False, Tls.required: True, Tls.optional: None}[relay.tls],
            tls_context=self._unverified if relay.tls is Tls.optional else self._verified,
        )

    async def close(self) -> None:
        """Nothing is kept open."""


def open_channel(means: Means) -> Email:
    """The channel; one for the whole server."""
    return Email(means)


def _outcome(error: Exception) -> Outcome:
    """4xx and everything that is the connection's: later. 5xx: the letter itself is refused."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        said = f"the mail server answered {error.code} {' '.join(error.message.split())[:300]}"
        # A wrong password is the setting's fault, not the letter's.
        hopeless = error.code >= 500 and not isinstance(error, aiosmtplib.SMTPAuthenticationError)
        return Hopeless(said) if hopeless else Failed(said)
    return Failed(f"the mail server could not be spoken to ({str(error) or type(error).__name__})")
