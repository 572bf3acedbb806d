"""Who the API's caller is: the operator, and the app that a client takes this server for."""

from typing import Literal

from msgspec import Struct, field

from server.api.endpoint import Asked
from server.api.shapes import Avatar
from server.rules.reload import Live


class App(Struct, kw_only=True):
    type: Literal["app"] = "app"
    id_code: str
    """The first site's key."""
    name: str
    created_at: int = 0
    secure: bool = True
    identity_verification: bool
    """Whether the browser can prove who it is."""
    timezone: str
    region: str = "self-hosted"


class Me(Struct, kw_only=True):
    type: Literal["admin"] = "admin"
    id: str = "operator"
    email: str | None = None
    name: str = "Operator"
    email_verified: bool = False
    app: App
    avatar: Avatar = field(default_factory=Avatar)
    has_inbox_seat: bool = False


class Admins:
    """The route about the caller."""

    def __init__(self, live: Live, *, proves: bool) -> None:
        self._live = live
        self._proves = proves

    async def me(self, asked: Asked) -> Me:
        """GET /me."""
        config = self._live.current
        site = next(iter(config.sites.values()))
        proves = self._proves or bool(config.identity_secret_env)
        return Me(
            app=App(id_code=site.key, name=site.key, identity_verification=proves, timezone=site.timezone)
        )
