"""Who may open the dashboard, as a store keeps it."""

from typing import NamedTuple, Protocol


class OperatorSession(NamedTuple):
    created: int
    used: int
    csrf: str


class Operators(Protocol):
    """Who may open the dashboard."""

    async def password_hash(self) -> str | None: ...

    async def set_password_hash(self, password_hash: str, now: int) -> None:
        """Also ends every session."""

    async def add_session(self, token_hash: str, csrf: str, now: int) -> None: ...

    async def session(self, token_hash: str) -> OperatorSession | None: ...

    async def touch_session(self, token_hash: str, now: int) -> None: ...

    async def end_session(self, token_hash: str) -> None: ...

    async def add_sign_in_link(self, token_hash: str, expires: int) -> None: ...

    async def use_sign_in_link(self, token_hash: str, now: int) -> bool:
        """True once, if the link has not expired."""
