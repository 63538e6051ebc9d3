"""From the environment and `.env` to settings; nothing else in the product reads the environment.

`python -m bot.settings_reading` hands them on, since what reads and checks them would stay in memory.
"""

import dataclasses
import os
import pickle
import sys
from typing import Annotated, Any, get_type_hints

from dotenv import dotenv_values
from pydantic import Field, PlainValidator, ValidationError, create_model, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.governance.changes import InvalidPolicy, policies
from bot.quality.alerts import InvalidThresholds, read_thresholds
from bot.settings import Secret, Settings
from bot.shown_urls import without_secrets

DATABASES = ("postgresql://", "postgresql+psycopg://", "postgres://", "sqlite://")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class InvalidSettings(Exception):
    """Values that cannot be used; fact `problems` names each setting, never its value."""

    def __init__(self, error: ValidationError) -> None:
        super().__init__()
        problems = (
            f"{found['loc'][0]}: {found['msg'].removeprefix('Value error, ')}"
            for found in error.errors()
            if found["loc"]
        )
        self.facts = {"problems": "; ".join(problems)}


class _Checks(BaseSettings):
    """What is wrong beyond types and bounds."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", populate_by_name=True)

    @field_validator("admins", "link_domains", "teams", mode="before", check_fields=False)
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Accept `U1,U2` as people write it."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("models", mode="before", check_fields=False)
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        """`SPANWISE_MODELS=` means the default, not the current folder."""
        return value or None

    @field_validator("approvals", check_fields=False)
    @classmethod
    def _are_policies(cls, value: str) -> str:
        try:
            policies(value)
        except InvalidPolicy as error:
            raise ValueError(
                f"should be kinds with numbers, such as `prompt=2`; the kinds are {error.facts['known']}"
            ) from None
        return value

    @field_validator("alerts", check_fields=False)
    @classmethod
    def _are_thresholds(cls, value: str) -> str:
        try:
            read_thresholds(value)
        except InvalidThresholds as error:
            raise ValueError(
                f"should be names with numbers, such as `errors=10`; the names are {error.facts['known']}"
            ) from None
        return value

    @field_validator("database_url", check_fields=False)
    @classmethod
    def _is_known_database(cls, value: str) -> str:
        if value and not value.startswith(DATABASES):
            raise ValueError("should begin with postgresql:// or sqlite:///")
        return value

    @field_validator("log_level", check_fields=False)
    @classmethod
    def _is_level(cls, value: str) -> str:
        if value.upper() not in LOG_LEVELS:
            raise ValueError(f"should be one of {', '.join(LOG_LEVELS)}")
        return value.upper()

    @field_validator("otlp_endpoint", check_fields=False)
    @classmethod
    def _is_collector(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("should begin with http:// or https://")
        return value


_SECRET = PlainValidator(lambda value: value if isinstance(value, Secret) else Secret(value))


def _read_as(hint: Any) -> Any:
    """What would be taken for JSON is read as it stands."""
    if hint is Secret:
        return Annotated[Secret, _SECRET, NoDecode]
    return Annotated[hint, NoDecode] if hint == tuple[str, ...] else hint


_HINTS = get_type_hints(Settings)
_FIELDS: dict[str, Any] = {
    each.name: (_read_as(_HINTS[each.name]), Field(each.default, **each.metadata))
    for each in dataclasses.fields(Settings)
}
_Values = create_model("Settings", __base__=_Checks, **_FIELDS)


def read_settings() -> Settings:
    """The settings in force. Raises InvalidSettings."""
    return _settings(_read())


def settings_from(**given: Any) -> Settings:
    """These, by name or variable, before the environment; `.env` does not count. Raises InvalidSettings."""
    return _settings(_read(_env_file=None, **given))


def _read(**given: Any) -> BaseSettings:
    try:
        return _Values(**given)
    except ValidationError as error:
        raise InvalidSettings(error) from None


def _settings(read: BaseSettings) -> Settings:
    return Settings(**{name: getattr(read, name) for name in _FIELDS})


def environment() -> dict[str, str]:
    """The environment with `.env` behind it: where models.yaml's `api_key_env` names are looked up."""
    kept = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return {**kept, **os.environ}


def describe() -> list[tuple[str, str, str, str]]:
    """Each setting as (name, value with secrets hidden, source, description). Raises InvalidSettings."""
    read = _read()
    return [
        (
            each.metadata["alias"],
            _shown(getattr(read, each.name)),
            _source(each, read),
            each.metadata["description"],
        )
        for each in dataclasses.fields(Settings)
    ]


def _shown(value: Any) -> str:
    if isinstance(value, Secret):
        return "set, hidden" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else without_secrets(str(value))


def _source(of: "dataclasses.Field[Any]", read: BaseSettings) -> str:
    if of.name not in read.model_fields_set:
        return "default"
    return "environment" if of.metadata["alias"] in os.environ else ".env"


def _hand_on() -> None:
    try:
        sys.stdout.buffer.write(pickle.dumps(read_settings()))
    except InvalidSettings as error:
        from bot.cli import console

        console.refuse(error)
        raise SystemExit(1) from None


if __name__ == "__main__":
    _hand_on()
