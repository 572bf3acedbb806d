"""Signatures of webhooks as Standard Webhooks 1.0 has them: HMAC-SHA256 over `id.timestamp.body`. Pure.

Twenty lines of our own: the published library signs an aware time that is not UTC as if it were, and the
tests verify with it what is signed here.
"""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"


def new_secret(random: bytes) -> str:
    """`whsec_` and the bytes (24 to 64 of them) in base64."""
    return PREFIX + base64.b64encode(random).decode()


def key_of(secret: str) -> bytes:
    """The secret's bytes, 24 to 64. Raises ValueError with what is wrong; it never tells the secret."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"it must begin with {PREFIX}")
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {PREFIX} must be base64") from None
    if not 24 <= len(key) <= 64:
        raise ValueError(f"what follows {PREFIX} must be 24 to 64 bytes in base64")
    return key


def sign(secret: str, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers that a receiver verifies; `seconds` is the Unix time of this try."""
    signed = f"{message_id}.{seconds}.".encode() + body
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
