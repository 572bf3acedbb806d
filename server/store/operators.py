"""Who may open the dashboard, for every engine: password, sessions and one-time links. Only hashes; no
policy.
"""

from server.store.base import OperatorSession
from server.store.engine import Engine
from server.store.statement import Statement

_PASSWORD = Statement("operator password", "SELECT {password} FROM operator WHERE id = 1", tuple[str])

_SET_PASSWORD = Statement[None](
    "set operator password",
    """
INSERT INTO operator (id, password, changed) VALUES (1, ?, ?)
ON CONFLICT (id) DO UPDATE SET password = excluded.password, changed = excluded.changed""",
)

_END_SESSIONS = Statement[None]("end operator sessions", "DELETE FROM operator_sessions")

_ADD_SESSION = Statement[None](
    "add operator session",
    "INSERT INTO operator_sessions (token_hash, created, used, csrf) VALUES (?, ?, ?, ?)",
)

_SESSION = Statement(
    "operator session",
    "SELECT {created, used, csrf} FROM operator_sessions WHERE token_hash = ?",
    OperatorSession,
)

_TOUCH_SESSION = Statement[None](
    "touch operator session", "UPDATE operator_sessions SET used = ? WHERE token_hash = ?"
)

_END_SESSION = Statement[None]("end operator session", "DELETE FROM operator_sessions WHERE token_hash = ?")

_ADD_LINK = Statement[None](
    "add sign-in link", "INSERT INTO sign_in_links (token_hash, expires) VALUES (?, ?)"
)

_USE_LINK = Statement(
    "use sign-in link",
    "DELETE FROM sign_in_links WHERE token_hash = ? OR expires <= ? RETURNING {token_hash, expires}",
    tuple[str, int],
)


class SqlOperators:
    """Implements `store.base.Operators`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def password_hash(self) -> str | None:
        for (password,) in await self._engine.read(_PASSWORD()):
            return password
        return None

    async def set_password_hash(self, password_hash: str, now: int) -> None:
        async with self._engine.transaction() as writing:
            await writing.run(_SET_PASSWORD(password_hash, now), _END_SESSIONS())

    async def add_session(self, token_hash: str, csrf: str, now: int) -> None:
        await self._engine.write(_ADD_SESSION(token_hash, now, now, csrf))

    async def session(self, token_hash: str) -> OperatorSession | None:
        for session in await self._engine.read(_SESSION(token_hash)):
            return session
        return None

    async def touch_session(self, token_hash: str, now: int) -> None:
        await self._engine.write(_TOUCH_SESSION(now, token_hash))

    async def end_session(self, token_hash: str) -> None:
        await self._engine.write(_END_SESSION(token_hash))

    async def add_sign_in_link(self, token_hash: str, expires: int) -> None:
        await self._engine.write(_ADD_LINK(token_hash, expires))

    async def use_sign_in_link(self, token_hash: str, now: int) -> bool:
        used = await self._engine.write(_USE_LINK(token_hash, now))
        return any(of == token_hash and expires > now for of, expires in used)
