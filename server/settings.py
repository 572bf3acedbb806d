"""The environment as one checked object. Every setting may also be given as `…_FILE`, naming a file with it.

`TABLE` is the list that docs/settings.md shows; nothing else reads the environment.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from server.errors import SettingsError
from server.relay import Relay, parse_relay
from server.signature import key_of

MIN_SECRET = 16
"""Characters; shorter keys can be guessed."""

_FREE = ("LEADTRAIL_TEST_", "LEADTRAIL_IDENTITY_SECRET_")
"""How other names may begin: what tests set, and the secrets of single sites that leadtrail.yaml names."""

_KNOWN_SECRETS = {"changeme", "secret", "password", "test", "development"}


class Rate(NamedTuple):
    """A token bucket: `per_second` refills it, `burst` is what it holds."""

    per_second: float
    burst: int


DEFAULT_RATES: Mapping[str, Rate] = {
    "address": Rate(20, 100),
    "site": Rate(1_000, 5_000),
    "identify": Rate(10 / 60, 10),
    "api": Rate(10, 100),
}
"""The documented limits: requests by address (IPv6 by /64), requests by site, identify events by visitor,
API requests by token.
"""


@dataclass(frozen=True)
class Settings:
    """How this server runs. Built by `read`, or by hand in tests."""

    config: Path = Path("leadtrail.yaml")
    database_url: str = ""
    admin_database_url: str = ""
    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 8000
    url: str | None = None
    secret_keys: tuple[str, ...] = ()
    api_tokens: tuple[str, ...] = ()
    identity_secret: str | None = None
    password: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    relay: Relay | None = None
    webhook_secret: str | None = None
    webhook_allow: tuple[str, ...] = ()
    rate_limits: Mapping[str, Rate] | None = None
    """By name, or None when they are off."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The environment, for the secrets that leadtrail.yaml names by their variable (`…_env`)."""

    def secret(self, name: str) -> str:
        """The secret in a variable that leadtrail.yaml names, or in the file of `name_FILE`.

        Raises ValueError with what is wrong with it.
        """
        text = _given(name, self.variables)
        if not text:
            raise ValueError("it is not set")
        return _secret(text)

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the server."""
        if self.host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - compared, not listened on
            host = "localhost"
        else:
            host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def public_url(self) -> str:
        """Where everybody finds it, without a slash at the end."""
        return self.url or self.address

    @property
    def database(self) -> str:
        """The database's URL, with its default."""
        return self.database_url or f"sqlite:///{self.data_dir / 'leadtrail.db'}"

    @property
    def admin_database(self) -> str:
        """The database's URL for those who change its schema."""
        return self.admin_database_url or self.database


class Setting(NamedTuple):
    """One line of the table: its variable, the field it fills, how its text is read, and what it means."""

    name: str
    field: str
    parse: Callable[[str], Any]
    meaning: str


def _text(value: str) -> str:
    return value


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _port(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 0 <= int(value) <= 65_535:
        raise ValueError(f"{value!r} is no port; give a number from 0 to 65535 (0 takes a free one)")
    return int(value)


def database_url(value: str) -> str:
    """The URL as it is. Raises ValueError unless it is one of SQLite or PostgreSQL."""
    if re.fullmatch(r"sqlite:///.+", value):
        return value
    if value.startswith("sqlite:"):
        raise ValueError(
            "it must begin with sqlite:/// (a relative path follows; four slashes for an absolute one)"
        )
    return _postgres_url(value)


def _postgres_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ValueError("it must be sqlite:///path or postgresql://user:password@host:port/database")
    return value


def _secret(value: str) -> str:
    if len(value) < MIN_SECRET:
        raise ValueError(
            f"a secret needs at least {MIN_SECRET} characters; `openssl rand -hex 32` makes a good one"
        )
    if value.lower() in _KNOWN_SECRETS or len(set(value)) < 5:
        raise ValueError("that secret can be guessed; `openssl rand -hex 32` makes a good one")
    return value


def _secrets(value: str) -> tuple[str, ...]:
    return tuple(_secret(part) for part in _list(value))


def _networks(value: str) -> tuple[str, ...]:
    for part in _list(value):
        try:
            ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise ValueError(f"{part!r} is no address or network such as 10.0.0.0/8") from None
    return _list(value)


def _origin(value: str) -> str:
    parts = urlsplit(value.rstrip("/"))
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path
        or parts.query
        or parts.fragment
    ):
        raise ValueError("it must be this server's own address without a path, such as https://t.example.com")
    return value.rstrip("/")


def _webhook_secret(value: str) -> str:
    key_of(value)
    return value


def parse_rates(value: str) -> Mapping[str, Rate] | None:
    """`off`, `on`, or changes to the defaults such as `address=50/s:200,api=600/m`."""
    if value in ("off", "on"):
        return None if value == "off" else DEFAULT_RATES
    rates = dict(DEFAULT_RATES)
    for part in _list(value):
        match = re.fullmatch(r"(\w+)=(\d+)/([smh])(?::(\d+))?", part)
        if match is None or match[1] not in rates:
            raise ValueError(
                f"{part!r} is no limit; write off, on, or name=count/s[:burst] (s, m or h) for {', '.join(rates)}"
            )
        per_second = int(match[2]) / {"s": 1, "m": 60, "h": 3600}[match[3]]
        rates[match[1]] = Rate(per_second, int(match[4] or max(1, int(match[2]))))
    return rates


TABLE = (
    Setting("LEADTRAIL_CONFIG", "config", Path, "the YAML file with sites and messages; default `leadtrail.yaml`"),
    Setting("DATABASE_URL", "database_url", database_url, "`sqlite:///path` or `postgresql://…`; default `leadtrail.db` in the data directory"),
    Setting("LEADTRAIL_ADMIN_DATABASE_URL", "admin_database_url", _postgres_url, "the same PostgreSQL as a role that may make tables, for `migrate`; default `DATABASE_URL`"),
    Setting("LEADTRAIL_DATA_DIR", "data_dir", Path, "database and secrets; default `./data`"),
    Setting("LEADTRAIL_HOST", "host", _text, "where to listen; default `127.0.0.1`"),
    Setting("PORT", "port", _port, "the port; default `8000`"),
    Setting("LEADTRAIL_URL", "url", _origin, "where everybody finds this server, such as `https://t.example.com`; default: the address it listens on"),
    Setting("LEADTRAIL_SECRET_KEYS", "secret_keys", _secrets, "signing keys, comma-separated, newest last; default: made on first start"),
    Setting("LEADTRAIL_API_TOKENS", "api_tokens", _secrets, "bearer tokens for `/api`, comma-separated, `read:` before those that only read; more are made by `leadtrail token`"),
    Setting("LEADTRAIL_IDENTITY_SECRET", "identity_secret", _secret, "key of `user_hash` and JWT; default none: nothing can be proved by the browser"),
    Setting("LEADTRAIL_PASSWORD", "password", _text, "the operator's password; default: set through the sign-in link"),
    Setting("LEADTRAIL_TRUSTED_PROXIES", "trusted_proxies", _networks, "addresses or networks whose `X-Forwarded-*` headers are believed; default none"),
    Setting("LEADTRAIL_SMTP_URL", "relay", parse_relay, "`smtp://` or `smtps://`, for messages by e-mail; default none: e-mail is held"),
    Setting("LEADTRAIL_WEBHOOK_SECRET", "webhook_secret", _webhook_secret, "`whsec_…`, signs webhooks; default: made on first start"),
    Setting("LEADTRAIL_WEBHOOK_ALLOW", "webhook_allow", _list, "hosts, `host:port` or networks that hooks may reach although they are private"),
    Setting("LEADTRAIL_RATE_LIMITS", "rate_limits", parse_rates, "`off`, `on` (the default), or `name=count/s[:burst]` for `address`, `site`, `identify`, `api`"),
)  # fmt: skip


def read(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment. Raises SettingsError with every mistake at once."""
    mistakes: list[str] = []
    values: dict[str, Any] = {"rate_limits": DEFAULT_RATES}
    for setting in TABLE:
        try:
            text = _given(setting.name, environment)
            if text:
                values[setting.field] = setting.parse(text)
        except ValueError as error:
            mistakes.append(f"{setting.name}: {error}")
    known = {name for setting in TABLE for name in (setting.name, f"{setting.name}_FILE")}
    for name in sorted(environment):
        if name.startswith("LEADTRAIL_") and name not in known and not name.startswith(_FREE):
            mistakes.append(f"{name}: there is no such setting; docs/settings.md lists them all")
    if mistakes:
        raise SettingsError(mistakes)
    return Settings(**values, variables=dict(environment))


def _given(name: str, environment: Mapping[str, str]) -> str | None:
    direct, file = environment.get(name), environment.get(f"{name}_FILE")
    if direct and file:
        raise ValueError(f"it is given twice, directly and as {name}_FILE; keep one")
    if not file:
        return direct
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise ValueError(f"{name}_FILE names {file}, which cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError(f"{name}_FILE names {file}, which is no text file") from None
