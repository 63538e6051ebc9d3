"""Every setting and what it means; nothing here reads or checks one, which `settings_reading` does."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Secret:
    """Text that is not printed by accident."""

    _text: str = field(repr=False)

    def get_secret_value(self) -> str:
        """The text itself."""
        return self._text


def _setting(default: Any, alias: str, about: str, **bounds: Any) -> Any:
    """A field read from the variable `alias`; `about` is what `settings` and docs/settings.md print."""
    return field(default=default, metadata={"alias": alias, "description": about, **bounds})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an operator may set."""

    data_dir: Path = _setting(
        Path("var"), "SPANWISE_DATA_DIR", "Folder for the SQLite database, the vector index and uploads."
    )
    database_url: str = _setting(
        "", "DATABASE_URL", "`postgresql://…` or `sqlite:///…`; empty means SQLite in the data folder."
    )
    models: Path | None = _setting(
        None,
        "SPANWISE_MODELS",
        "Path of models.yaml; `serve`, `worker`, `demo` and every `run`, `evaluate`, `explain` or "
        "`workflow add` with it put the file in force for the whole installation, without a change "
        "request. Empty means the built-in model that quotes and needs no key; such a `run` leaves "
        "the models in force as they are.",
    )
    admins: tuple[str, ...] = _setting(
        (), "SPANWISE_ADMINS", "Slack user ids of the first admins, separated by commas."
    )
    slack_api_url: str = _setting(
        "", "SLACK_API_URL", "Where the Slack Web API is; empty means Slack itself, else a local workspace."
    )
    slack_bot_token: Secret = _setting(Secret(""), "SLACK_BOT_TOKEN", "The bot's token, `xoxb-…`.")
    slack_app_token: Secret = _setting(
        Secret(""), "SLACK_APP_TOKEN", "The app-level token, `xapp-…`; when set, Socket Mode is used."
    )
    slack_signing_secret: Secret = _setting(
        Secret(""),
        "SLACK_SIGNING_SECRET",
        "Checks signed HTTP requests; needed when Socket Mode is not used.",
    )
    slack_signing_secret_previous: Secret = _setting(
        Secret(""),
        "SLACK_SIGNING_SECRET_PREVIOUS",
        "The signing secret before this one, taken as well while it is rotated; empty for none.",
    )
    port: int = _setting(3000, "PORT", "Port of signed HTTP, at `/slack/events`.", ge=0, le=65535)
    health_port: int = _setting(
        0,
        "SPANWISE_HEALTH_PORT",
        "Port of `/healthz`, `/readyz` and `/metrics`, another for each process; 0 for none.",
        ge=0,
        le=65535,
    )
    health_host: str = _setting(
        "127.0.0.1",
        "SPANWISE_HEALTH_HOST",
        "Address of the health port, open to all who reach it; `0.0.0.0` in a container.",
    )
    chroma_url: str = _setting(
        "", "CHROMA_URL", "A Chroma server, `http://host:port`; empty means the index in the data folder."
    )
    link_domains: tuple[str, ...] = _setting(
        (),
        "SPANWISE_LINK_DOMAINS",
        "Domains that answers may link to, separated by commas; other links are shown as text.",
    )
    unknown_price: Literal["flag", "refuse"] = _setting(
        "flag",
        "SPANWISE_UNKNOWN_PRICE",
        "A model that nobody knows the price of: `flag` calls it and says so beside the answer, "
        "`refuse` does not call it. Where a budget applies it is never called.",
    )
    teams: tuple[str, ...] = _setting(
        (),
        "SPANWISE_TEAMS",
        "Slack user groups whose spending is counted, with commas: a person counts for the first "
        "they are in. Empty means every group, the first by its id.",
    )
    concurrency: int = _setting(
        8, "SPANWISE_CONCURRENCY", "Runs that one worker executes at a time.", ge=1, le=256
    )
    person_share: int = _setting(
        50,
        "SPANWISE_PERSON_SHARE",
        "Percent of what all workers execute at a time that one person's runs may be; 100 is no bound.",
        ge=1,
        le=100,
    )
    workflow_share: int = _setting(
        75,
        "SPANWISE_WORKFLOW_SHARE",
        "Percent of what all workers execute at a time that one workflow's runs may be; 100 is no bound.",
        ge=1,
        le=100,
    )
    person_waiting: int = _setting(
        50,
        "SPANWISE_PERSON_WAITING",
        "Runs of one person that may wait; more are refused with a sentence. 0 is no limit.",
        ge=0,
        le=1_000_000,
    )
    queue_waiting: int = _setting(
        2000,
        "SPANWISE_QUEUE_WAITING",
        "Runs of everybody that may wait; more are refused with a sentence. 0 is no limit.",
        ge=0,
        le=1_000_000,
    )
    longest_wait: int = _setting(
        1800,
        "SPANWISE_LONGEST_WAIT",
        "Seconds; a request that would probably wait longer for its turn is refused. 0 is no limit.",
        ge=0,
        le=86_400,
    )
    evaluation_dollars: Decimal = _setting(
        Decimal("1.00"),
        "SPANWISE_EVALUATION_DOLLARS",
        "Most dollars that one evaluation may spend, judging included.",
        ge=0,
        le=10_000,
    )
    evaluation_concurrency: int = _setting(
        16, "SPANWISE_EVALUATION_CONCURRENCY", "Cases that one evaluation tries at a time.", ge=1, le=256
    )
    evaluation_votes: int = _setting(
        20,
        "SPANWISE_EVALUATION_VOTES",
        "Answers voted down that an evaluation tries again, the newest first.",
        ge=0,
        le=200,
    )
    review_channel: str = _setting(
        "",
        "SPANWISE_REVIEW_CHANNEL",
        "Id of the channel where change requests are posted; empty means where each was asked.",
    )
    change_days: int = _setting(
        14,
        "SPANWISE_CHANGE_DAYS",
        "Days after which a change request that nobody decided expires.",
        ge=1,
        le=365,
    )
    approvals: str = _setting(
        "",
        "SPANWISE_APPROVALS",
        "Approvals a kind of change needs where not one, `prompt=2,document=0`; 0 means none.",
    )
    retention_days: int = _setting(
        0,
        "SPANWISE_RETENTION_DAYS",
        "Days after which what was asked and answered is deleted, where nobody said so; 0 keeps it for ever.",
        ge=0,
        le=3650,
    )
    admin_channel: str = _setting(
        "",
        "SPANWISE_ADMIN_CHANNEL",
        "Id of the channel of the admins, where audit checkpoints are posted each week.",
    )
    audit_key: Secret = _setting(
        Secret(""),
        "SPANWISE_AUDIT_KEY",
        "Secret of 32 characters or more that audit checkpoints are signed with; empty for none.",
    )
    alerts: str = _setting(
        "",
        "SPANWISE_ALERTS",
        "Limits of alerts where not the usual ones: `errors=10,cost=0`; 0 watches nothing.",
    )
    alert_channel: str = _setting(
        "",
        "SPANWISE_ALERT_CHANNEL",
        "Id of the channel where alerts are posted; empty means each admin by direct message.",
    )
    charts: Literal["pictures", "slack"] = _setting(
        "pictures",
        "SPANWISE_CHARTS",
        "Charts in messages as uploaded `pictures`, or drawn by `slack` itself where it can.",
    )
    otlp_endpoint: str = _setting(
        "",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Where traces go, `http://collector:4318`; needs the extra `otel`. Empty means nowhere.",
    )
    otlp_headers: Secret = _setting(
        Secret(""),
        "OTEL_EXPORTER_OTLP_HEADERS",
        "Headers for it, `name=value` with commas, such as the key of a service.",
    )
    log_level: str = _setting(
        "INFO", "SPANWISE_LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR; the log goes to stderr."
    )

    @property
    def otlp_header_values(self) -> dict[str, str]:
        """The headers by name; what has no `=` is left out."""
        pairs = (each.partition("=") for each in self.otlp_headers.get_secret_value().split(","))
        return {name.strip(): value.strip() for name, sign, value in pairs if sign and name.strip()}

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
    def charts_dir(self) -> Path:
        """What the drawing library learnt about fonts; it may be emptied at any time."""
        return self.data_dir / "charts"

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """What Slack may sign with: the secret, and while it is rotated the one before it."""
        found = self.slack_signing_secret, self.slack_signing_secret_previous
        return tuple(secret.get_secret_value() for secret in found if secret.get_secret_value())

    @property
    def uses_socket_mode(self) -> bool:
        """Whether Slack's envelopes come over a socket that we open."""
        return bool(self.slack_app_token.get_secret_value())
