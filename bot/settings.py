"""Every setting, read from the environment and `.env`; nothing else in the product reads the environment."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.governance.changes import InvalidPolicy, policies

DATABASES = ("postgresql://", "postgresql+psycopg://", "postgres://", "sqlite://")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class InvalidSettings(Exception):
    """Values that cannot be used; fact `problems` names each setting, never its value."""

    def __init__(self, error: ValidationError) -> None:
        super().__init__()
        problems = (f"{found['loc'][0]}: {found['msg']}" for found in error.errors() if found["loc"])
        self.facts = {"problems": "; ".join(problems)}


class Settings(BaseSettings):
    """What an operator may set. Each field's description is what `settings` and docs/settings.md print."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", populate_by_name=True)

    data_dir: Path = Field(
        default=Path("var"),
        alias="SPANWISE_DATA_DIR",
        description="Folder for the SQLite database, the vector index and uploads.",
    )
    database_url: str = Field(
        default="",
        alias="DATABASE_URL",
        description="`postgresql://…` or `sqlite:///…`; empty means SQLite in the data folder.",
    )
    models: Path | None = Field(
        default=None,
        alias="SPANWISE_MODELS",
        description="Path of models.yaml; empty means the built-in model that quotes and needs no key.",
    )
    admins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        alias="SPANWISE_ADMINS",
        description="Slack user ids of the first admins, separated by commas.",
    )
    slack_api_url: str = Field(
        default="",
        alias="SLACK_API_URL",
        description="Where the Slack Web API is; empty means Slack itself, else a local workspace.",
    )
    slack_bot_token: SecretStr = Field(
        default=SecretStr(""), alias="SLACK_BOT_TOKEN", description="The bot's token, `xoxb-…`."
    )
    slack_app_token: SecretStr = Field(
        default=SecretStr(""),
        alias="SLACK_APP_TOKEN",
        description="The app-level token, `xapp-…`; when set, Socket Mode is used.",
    )
    slack_signing_secret: SecretStr = Field(
        default=SecretStr(""),
        alias="SLACK_SIGNING_SECRET",
        description="Checks signed HTTP requests; needed when Socket Mode is not used.",
    )
    port: int = Field(
        default=3000, alias="PORT", ge=0, le=65535, description="Port of signed HTTP, at `/slack/events`."
    )
    health_port: int = Field(
        default=0,
        alias="SPANWISE_HEALTH_PORT",
        ge=0,
        le=65535,
        description="Port of `/healthz`, `/readyz` and `/metrics`, another for each process; 0 for none.",
    )
    health_host: str = Field(
        default="127.0.0.1",
        alias="SPANWISE_HEALTH_HOST",
        description="Address of the health port, open to all who reach it; `0.0.0.0` in a container.",
    )
    chroma_url: str = Field(
        default="",
        alias="CHROMA_URL",
        description="A Chroma server, `http://host:port`; empty means the index in the data folder.",
    )
    link_domains: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        alias="SPANWISE_LINK_DOMAINS",
        description="Domains that answers may link to, separated by commas; other links are shown as text.",
    )
    unknown_price: Literal["flag", "refuse"] = Field(
        default="flag",
        alias="SPANWISE_UNKNOWN_PRICE",
        description="A model that nobody knows the price of: `flag` calls it and says so beside the answer, "
        "`refuse` does not call it. Where a budget applies it is never called.",
    )
    teams: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        alias="SPANWISE_TEAMS",
        description="Slack user groups whose spending is counted, with commas: a person counts for the first "
        "they are in. Empty means every group, the first by its id.",
    )
    concurrency: int = Field(
        default=8,
        alias="SPANWISE_CONCURRENCY",
        ge=1,
        le=256,
        description="Runs that one worker executes at a time.",
    )
    evaluation_dollars: Decimal = Field(
        default=Decimal("1.00"),
        alias="SPANWISE_EVALUATION_DOLLARS",
        ge=0,
        le=10_000,
        description="Most dollars that one evaluation may spend, judging included.",
    )
    evaluation_concurrency: int = Field(
        default=16,
        alias="SPANWISE_EVALUATION_CONCURRENCY",
        ge=1,
        le=256,
        description="Cases that one evaluation tries at a time.",
    )
    evaluation_votes: int = Field(
        default=20,
        alias="SPANWISE_EVALUATION_VOTES",
        ge=0,
        le=200,
        description="Answers voted down that an evaluation tries again, the newest first.",
    )
    review_channel: str = Field(
        default="",
        alias="SPANWISE_REVIEW_CHANNEL",
        description="Id of the channel where change requests are posted; empty means where each was asked.",
    )
    change_days: int = Field(
        default=14,
        alias="SPANWISE_CHANGE_DAYS",
        ge=1,
        le=365,
        description="Days after which a change request that nobody decided expires.",
    )
    approvals: str = Field(
        default="",
        alias="SPANWISE_APPROVALS",
        description="Approvals a kind of change needs where not one, `prompt=2,document=0`; 0 means none.",
    )
    admin_channel: str = Field(
        default="",
        alias="SPANWISE_ADMIN_CHANNEL",
        description="Id of the channel of the admins, where audit checkpoints are posted each week.",
    )
    audit_key: SecretStr = Field(
        default=SecretStr(""),
        alias="SPANWISE_AUDIT_KEY",
        description="Secret of 32 characters or more that audit checkpoints are signed with; empty for none.",
    )
    log_level: str = Field(
        default="INFO",
        alias="SPANWISE_LOG_LEVEL",
        description="DEBUG, INFO, WARNING or ERROR; the log goes to stderr.",
    )

    @field_validator("admins", "link_domains", "teams", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Accept `U1,U2` as people write it."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("models", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        """`SPANWISE_MODELS=` means the default, not the current folder."""
        return value or None

    @field_validator("approvals")
    @classmethod
    def _are_policies(cls, value: str) -> str:
        try:
            policies(value)
        except InvalidPolicy as error:
            raise ValueError(f"should be kinds with numbers, of {error.facts['known']}") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _is_known_database(cls, value: str) -> str:
        if value and not value.startswith(DATABASES):
            raise ValueError("should begin with postgresql:// or sqlite:///")
        return value

    @field_validator("log_level")
    @classmethod
    def _is_level(cls, value: str) -> str:
        if value.upper() not in LOG_LEVELS:
            raise ValueError(f"should be one of {', '.join(LOG_LEVELS)}")
        return value.upper()

    @property
    def store_url(self) -> str:
        """The database to open."""
        if not self.database_url:
            return f"sqlite:///{(self.data_dir / 'spanwise.db').resolve()}"
        return self.database_url.replace("postgres://", "postgresql://", 1)

    @property
    def diagrams_dir(self) -> Path:
        """Where drawn diagrams are kept; it may be emptied at any time."""
        return self.data_dir / "diagrams"

    @property
    def uses_socket_mode(self) -> bool:
        """Whether Slack's envelopes come over a socket that we open."""
        return bool(self.slack_app_token.get_secret_value())


def read_settings() -> Settings:
    """The settings in force. Raises InvalidSettings."""
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSettings(error) from None


def environment() -> dict[str, str]:
    """The environment with `.env` behind it: where models.yaml's `api_key_env` names are looked up."""
    kept = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return {**kept, **os.environ}


def describe(settings: Settings) -> list[tuple[str, str, str, str]]:
    """Each setting as (name, value with secrets hidden, source, description)."""
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = "set, hidden" if value.get_secret_value() else ""
        elif isinstance(value, tuple):
            value = ",".join(value)
        elif name == "database_url":
            value = _without_password(value)
        alias = str(field.alias)
        if name not in settings.model_fields_set:
            source = "default"
        else:
            source = "environment" if alias in os.environ else ".env"
        rows.append((alias, "" if value is None else str(value), source, field.description or ""))
    return rows


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    if not at or "://" not in head:
        return url
    scheme, _, user = head.partition("://")
    return f"{scheme}://{user.split(':', 1)[0]}:***@{tail}"
