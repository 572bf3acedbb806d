"""The secrets that the server makes for itself on its first start, kept in the data directory with mode
0600, and those that sites prove their users with.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from server.settings import Settings
from server.signature import new_secret

log = structlog.get_logger()

KEYS_FILE = "secret_keys"
TOKENS_FILE = "api_tokens"
WEBHOOK_FILE = "webhook_secret"


SECRET_FILES = (KEYS_FILE, TOKENS_FILE, WEBHOOK_FILE)
"""What the server made for itself, by the names in the data directory."""


def secret_files(data_dir: Path) -> dict[str, bytes]:
    """The contents of those that are there, by name."""
    paths = [data_dir / name for name in SECRET_FILES]
    return {path.name: path.read_bytes() for path in paths if path.exists()}


def with_own_secrets(settings: Settings) -> Settings:
    """The settings, completed by the signing key, API tokens and the webhooks' secret that the data directory
    holds.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = settings.secret_keys or _kept(settings.data_dir / KEYS_FILE, secrets.token_hex(32))
    webhook = (
        settings.webhook_secret
        or _kept(settings.data_dir / WEBHOOK_FILE, new_secret(secrets.token_bytes(32)))[0]
    )
    return replace(
        settings,
        secret_keys=keys,
        api_tokens=settings.api_tokens + made_tokens(settings.data_dir),
        webhook_secret=webhook,
    )


class IdentitySecrets:
    """The secrets with which sites prove their users: a site's own where leadtrail.yaml names one, else the
    server's.
    """

    def __init__(self, settings: Settings, variables: Callable[[], Mapping[str, str]]) -> None:
        self._settings = settings
        self._variables = variables
        self._complained: set[str] = set()

    def of(self, site: str) -> str | None:
        """The site's secret, or None where nothing can be proved."""
        variable = self._variables().get(site)
        if variable is None:
            return self._settings.identity_secret
        try:
            return self._settings.secret(variable)
        except ValueError as error:
            # Not the server's instead: whoever knows that one must prove nothing to this site.
            if variable not in self._complained:
                self._complained.add(variable)
                log.warning("identity_secret_missing", site=site, variable=variable, reason=str(error))
            return None


READ_ONLY = "read:"
"""Before a token where tokens are kept: it may read and not write."""


def add_token(data_dir: Path, *, read_only: bool = False) -> str:
    """A new API token, kept beside the others; a running server knows it after its next start."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = f"lt_{secrets.token_urlsafe(32)}"
    kept = f"{READ_ONLY}{token}" if read_only else token
    _write(data_dir / TOKENS_FILE, "".join(f"{line}\n" for line in (*made_tokens(data_dir), kept)))
    return token


def made_tokens(data_dir: Path) -> tuple[str, ...]:
    """The API tokens that `leadtrail token` made."""
    path = data_dir / TOKENS_FILE
    return tuple(path.read_text().split()) if path.exists() else ()


def _kept(path: Path, fresh: str) -> tuple[str, ...]:
    if not path.exists():
        _write(path, f"{fresh}\n")
    return tuple(path.read_text().split())


def _write(path: Path, text: str) -> None:
    # Written aside and moved, so that a crash leaves either the old file or the new one.
    aside = path.with_name(f"{path.name}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
