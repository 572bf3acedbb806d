"""The ids that the program makes, and how they stand on the wire. None comes from a sequence."""

import secrets
import uuid


def new_person_id(now: int) -> int:
    """A 63-bit id: 42 bits of Unix milliseconds (until 2109), so that newer people sort later, and 21
    random bits.
    """
    return ((now & ((1 << 42) - 1)) << 21) | secrets.randbits(21)


def new_delivery_id(now: int) -> str:
    """`msg_` and 32 hex digits: 48 bits of Unix milliseconds, then 80 random bits."""
    return f"msg_{now & ((1 << 48) - 1):012x}{secrets.token_hex(10)}"


def new_small_id(now: int) -> int:
    """An id that also JavaScript holds exactly: 41 bits of Unix milliseconds and 12 random bits."""
    return ((now & ((1 << 41) - 1)) << 12) | secrets.randbits(12)


def new_event_id(now: int) -> str:
    """The id of an event that came without one: a UUIDv7 as the snippet has, so that it begins with the time
    (`now`, Unix ms) and lies beside its neighbours.
    """
    time = now & ((1 << 48) - 1)
    return str(
        uuid.UUID(int=time << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))
    )


def public_id(person_id: int) -> str:
    """The id of a contact on the wire: 16 hex digits."""
    return f"{person_id:016x}"


def person_id_of(text: str) -> int | None:
    """The person id behind a contact's id, or None if it cannot be one."""
    if len(text) != 16:
        return None
    try:
        number = int(text, 16)
    except ValueError:
        return None
    return number if 0 <= number < 1 << 63 and public_id(number) == text else None


def visitor_ident(site: str, visitor: str) -> str:
    """The key under which a visitor id resolves to a person."""
    return f"{site}/visitor/{visitor}"
