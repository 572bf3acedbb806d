"""Ids for what a log tells: they follow from its lines, so a second import finds what the first one stored.

All of them are digests under the installation's own key: no address is stored, and nobody without the key
can try addresses until one fits.
"""

import hashlib


class Digests:
    """Makes the ids. `secret` is the installation's newest key; under another a log is other people."""

    def __init__(self, secret: str, site: str) -> None:
        self._key = hashlib.blake2b(secret.encode(), person=b"leadtrail.import").digest()
        self._site = site.encode()

    def visitor(self, address: str, user_agent: str) -> str:
        """The visitor id of whoever comes from this address with this browser: 32 hex digits."""
        return self._digest(b"visitor", address.encode(), user_agent.encode())

    def line(self, raw: bytes) -> str:
        """The id that the line's page view has: fit for an event id, and room for a number after it."""
        return f"log-{self._digest(b'line', raw)}"

    def _digest(self, purpose: bytes, *parts: bytes) -> str:
        digest = hashlib.blake2b(key=self._key, digest_size=16, person=purpose)
        for part in (self._site, *parts):
            # With its length, so that no two lists of parts read the same.
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()
