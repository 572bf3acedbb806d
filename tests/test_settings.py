"""The environment: defaults, files, and all mistakes at once."""

from pathlib import Path

import pytest

from server.errors import SettingsError
from server.settings import DEFAULT_RATES, TABLE, Rate, Settings, parse_rates, read


def test_nothing_needs_to_be_set() -> None:
    settings = read({})
    assert settings == Settings(rate_limits=DEFAULT_RATES)
    assert settings.database == "sqlite:///data/leadtrail.db"


def test_every_setting_is_read_directly_or_from_a_file(tmp_path: Path) -> None:
    values = {
        "LEADTRAIL_CONFIG": "x.yaml",
        "DATABASE_URL": "sqlite:///x.db",
        "LEADTRAIL_ADMIN_DATABASE_URL": "postgresql://admin:pw@db.example.com/leadtrail",
        "LEADTRAIL_DATA_DIR": "d",
        "LEADTRAIL_HOST": "0.0.0.0",
        "PORT": "9000",
        "LEADTRAIL_URL": "https://t.example.com/",
        "LEADTRAIL_SECRET_KEYS": "an old signing key, the new signing key",
        "LEADTRAIL_API_TOKENS": "a token for the api",
        "LEADTRAIL_IDENTITY_SECRET": "an identity secret",
        "LEADTRAIL_PASSWORD": "pw",
        "LEADTRAIL_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8",
        "LEADTRAIL_SMTP_URL": "smtps://user:pw@mail.example.com",
        "LEADTRAIL_WEBHOOK_SECRET": "whsec_" + "A" * 44,
        "LEADTRAIL_WEBHOOK_ALLOW": "crm.internal:8080",
        "LEADTRAIL_RATE_LIMITS": "off",
    }
    assert set(values) == {setting.name for setting in TABLE}
    direct = read(values)
    files = {}
    for name, value in values.items():
        (tmp_path / name).write_text(value + "\n")
        files[f"{name}_FILE"] = str(tmp_path / name)
    assert read(files) == direct
    assert direct.secret_keys == ("an old signing key", "the new signing key")
    assert direct.trusted_proxies == ("127.0.0.1", "10.0.0.0/8")
    assert direct.rate_limits is None


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(SettingsError) as wrong:
        read(
            {
                "PORT": "eighty",
                "DATABASE_URL": "mysql://x",
                "LEADTRAIL_SECRET_KEYS": "changeme",
                "LEADTRAIL_TRUSTED_PROXIES": "everybody",
                "LEADTRAIL_SMTP_URL": "mail.example.com",
                "LEADTRAIL_WEBHOOK_SECRET": "x",
                "LEADTRAIL_RATE_LIMITS": "some",
                "LEADTRAIL_PASSWROD": "typo",
                "LEADTRAIL_HOST": "a",
                "LEADTRAIL_HOST_FILE": "b",
                "LEADTRAIL_PASSWORD_FILE": "/nowhere/at/all",
            }
        )
    named = [mistake.split(":")[0] for mistake in wrong.value.mistakes]
    assert sorted(named) == sorted(
        ["DATABASE_URL", "LEADTRAIL_HOST", "PORT", "LEADTRAIL_SECRET_KEYS", "LEADTRAIL_PASSWORD",
         "LEADTRAIL_TRUSTED_PROXIES", "LEADTRAIL_SMTP_URL", "LEADTRAIL_WEBHOOK_SECRET",
         "LEADTRAIL_RATE_LIMITS", "LEADTRAIL_PASSWROD"]
    )  # fmt: skip


@pytest.mark.parametrize("weak", ["short", "aaaaaaaaaaaaaaaaaaaaaaaa"])
def test_a_secret_that_can_be_guessed_is_refused(weak: str) -> None:
    with pytest.raises(SettingsError, match="openssl rand"):
        read({"LEADTRAIL_SECRET_KEYS": weak})


def test_limits_are_changed_one_by_one() -> None:
    rates = parse_rates("address=50/s:200,identify=6/m")
    assert rates is not None
    assert rates["address"] == Rate(50, 200)
    assert rates["identify"] == Rate(0.1, 6)
    assert rates["site"] == DEFAULT_RATES["site"]
