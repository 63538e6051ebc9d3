"""Settings from the environment, and how they are shown."""

from dataclasses import fields
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.settings_reading import InvalidSettings, describe, environment, read_settings


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for each in fields(Settings):
        monkeypatch.delenv(each.metadata["alias"], raising=False)


def test_defaults_need_nothing() -> None:
    settings = read_settings()
    assert settings.store_url.startswith("sqlite:///")
    assert not settings.uses_socket_mode


def test_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SPANWISE_ADMINS=U1, U2\nPORT=4000\n")
    monkeypatch.setenv("PORT", "5000")
    settings = read_settings()
    assert settings.admins == ("U1", "U2")
    assert settings.port == 5000
    sources = {name: source for name, _, source, _ in describe()}
    assert (sources["SPANWISE_ADMINS"], sources["PORT"], sources["DATABASE_URL"]) == (
        ".env",
        "environment",
        "default",
    )


def test_secrets_and_passwords_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-canary")
    monkeypatch.setenv("DATABASE_URL", "postgres://ana:canary@db.example:5432/spanwise")
    settings = read_settings()
    shown = repr(describe()) + repr(settings.slack_bot_token)
    assert "canary" not in shown
    assert "postgres://ana:***@db.example:5432/spanwise" in shown
    assert settings.store_url == "postgresql://ana:canary@db.example:5432/spanwise"


def test_keys_of_providers_may_stand_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("GATEWAY_KEY=from-file\nOTHER_KEY=from-file\n")
    monkeypatch.setenv("OTHER_KEY", "from-environment")
    found = environment()
    assert (found["GATEWAY_KEY"], found["OTHER_KEY"]) == ("from-file", "from-environment")


def test_a_bad_value_names_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")
    with pytest.raises(InvalidSettings) as caught:
        read_settings()
    assert caught.value.facts["problems"].startswith("PORT: ")
    assert "many" not in caught.value.facts["problems"]
