"""Tombs of people who were erased: hashes of a visitor's id or of a person's own.

Both ids are random, so nobody can be found by trying. An old request that is sent once more and a backup that
is put back meet them.
"""

import hashlib

from server.ids import public_id


def tomb(ident: str) -> str:
    """Under what the erased ident of a visitor is kept."""
    return hashlib.blake2b(ident.encode(), digest_size=16, person=b"leadtrail.tomb").hexdigest()


def person_tomb(person_id: int) -> str:
    """Under what an erased person is kept."""
    return tomb(f"person/{public_id(person_id)}")
