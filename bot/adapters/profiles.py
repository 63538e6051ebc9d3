"""models.yaml: what each model alias is today."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, ValidationError, field_validator
from pydantic_core import ErrorDetails

from bot.adapters.prices import Price
from workflows.ports import UnknownAlias
from workflows.reader import InvalidYaml, Problem, YamlDocument, read_yaml
from workflows.wording import problem_of

SHIPPED = Path(__file__).with_name("models.yaml")
"""The profiles used when no other file is named: the built-in model alone."""

SETTING = "SPANWISE_MODELS"
"""The setting that names another file."""

RESERVED_PARAMS = frozenset(
    {"model", "messages", "stream", "stream_options", "api_base", "base_url", "api_key", "timeout"}
    | {"max_retries", "num_retries", "fallbacks", "response_format", "temperature", "max_tokens", "callbacks"}
)
"""Parameters that this product sets by itself; `params` may not."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Timeouts(_Strict):
    """Seconds before this provider counts as failing; the step's deadline stands above them."""

    connect_s: float = Field(default=5, gt=0, le=60)
    first_token_s: float = Field(default=15, gt=0, le=600)
    between_tokens_s: float = Field(default=10, gt=0, le=600)
    reply_s: float = Field(default=45, gt=0, le=3600)
    """For a whole reply that is not streamed."""


class ModelProfile(_Strict):
    """One model and how to call it."""

    model: str = Field(pattern=r"^[\w.-]+/\S+$")
    """As litellm names it: `provider/model`."""
    api_base: str | None = None
    """Where the provider is, when it is not litellm's default for it."""
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The environment variable that holds the key; the key itself never stands in the file."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_output_tokens: int | None = Field(default=None, ge=1)
    json_mode: Literal["auto", "schema", "object", "none"] = "auto"
    """How structured replies are asked for: by JSON Schema, as any JSON object, or in words alone."""
    timeouts: Timeouts = Timeouts()
    stream: Literal["auto", "always", "never"] = "auto"
    """Whether replies come in pieces: where somebody reads along, always, or never."""
    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)
    tokens_per_minute: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """What may start within a minute, of all processes together; calls wait for their turn."""
    fallbacks: tuple[str, ...] = ()
    """Other aliases or `provider/model` names to call, in this order, when this one cannot be reached."""
    cheaper: str | None = None
    """The alias that takes its calls when a budget is low, once a workflow's evaluation passed with it."""
    price: tuple[Price, ...] = ()
    """What it costs, where litellm does not know or you pay otherwise; several with the day each begins."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Passed to the provider as they are."""

    @field_validator("api_base")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and TypeAdapter(HttpUrl).validate_python(value).username is not None:
            raise ValueError("holds a user name; name the variable of the key in `api_key_env`")
        return value

    @field_validator("price", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, dict) else value

    @field_validator("price")
    @classmethod
    def _in_order(cls, value: tuple[Price, ...]) -> tuple[Price, ...]:
        days = [price.since or date.min for price in value]
        if days != sorted(set(days)):
            raise ValueError(
                "several prices stand in the order of their days, `from` each, at most the first without"
            )
        return value

    @field_validator("params")
    @classmethod
    def _sets_nothing_of_ours(cls, value: dict[str, Any]) -> dict[str, Any]:
        taken = sorted(RESERVED_PARAMS & set(value))
        if taken:
            raise ValueError(f"set by the product, not in params: {', '.join(taken)}")
        return value

    @property
    def provider(self) -> str:
        """litellm's name of the provider."""
        return self.model.partition("/")[0]

    @property
    def key(self) -> str:
        """What tells one provider's endpoint and model from another's."""
        return f"{self.model} {self.api_base or ''}"

    @property
    def endpoint(self) -> str:
        """What tells one provider's address from another's, whatever the model."""
        return f"{self.provider} {self.api_base or ''}"


class InvalidProfiles(Exception):
    """A models.yaml that cannot be used; every problem at once."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(source)
        self.problems = problems
        self.facts = {"file": source, "setting": SETTING, "problems": "; ".join(map(str, problems))}


class ModelProfiles:
    """The profiles by alias."""

    def __init__(self, profiles: Mapping[str, ModelProfile]) -> None:
        self._profiles = dict(profiles)

    @property
    def aliases(self) -> tuple[str, ...]:
        """Every configured alias, sorted."""
        return tuple(sorted(self._profiles))

    def profile(self, alias: str) -> ModelProfile:
        """The profile of an alias. Raises UnknownAlias."""
        if alias not in self._profiles:
            raise UnknownAlias(alias, known=", ".join(self.aliases), setting=SETTING)
        return self._profiles[alias]

    def chain(self, alias: str) -> tuple[ModelProfile, ...]:
        """The profile of an alias and then its fallbacks, each model once. Raises UnknownAlias."""
        first = self.profile(alias)
        chain = {first.key: first}
        for name in first.fallbacks:
            found = self._profiles.get(name) or first.model_copy(
                update={"model": name, "price": (), "cheaper": None, "params": {}, **_NOWHERE}
            )
            chain.setdefault(found.key, found)
        return tuple(chain.values())


def load_profiles(path: Path | None = None) -> ModelProfiles:
    """Read a models.yaml, or the shipped one. Raises InvalidProfiles."""
    path = path or SHIPPED
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidProfiles(
            str(path), (Problem(1, 1, "", f"cannot be read: {type(error).__name__}"),)
        ) from None
    return read_profiles(text, source=str(path))


def read_profiles(text: str, *, source: str = "models.yaml") -> ModelProfiles:
    """Check the text of a models.yaml. Raises InvalidProfiles with every problem and its line."""
    try:
        document = read_yaml(text)
    except InvalidYaml as error:
        raise InvalidProfiles(source, error.problems) from None
    try:
        profiles = _FILE.validate_python(document.value)
    except ValidationError as error:
        problems = tuple(_placed(document, found) for found in error.errors())
        raise InvalidProfiles(source, problems) from None
    problems = tuple(_cross_checks(document, profiles))
    if problems:
        raise InvalidProfiles(source, problems)
    return ModelProfiles(profiles)


_NOWHERE = {"api_base": None, "api_key_env": None, "requests_per_minute": None, "tokens_per_minute": None}
_FILE = TypeAdapter(dict[str, ModelProfile])


_EXAMPLE = "`default: {model: openai/gpt-4o-mini}`"
_FORMS: Mapping[tuple[str, str], str] = {
    ("string_pattern_mismatch", "model"): "needs its provider, `provider/model`: `openai/gpt-4o-mini`",
    ("string_pattern_mismatch", "api_key_env"): "must be the name of a variable: `OPENAI_API_KEY`",
    ("model_type", ""): f"must be a mapping: {_EXAMPLE}",
    ("dict_type", ""): f"must be aliases, each with its model: {_EXAMPLE}",
}
"""Type of finding, and the key unless it is about a whole alias or file, to words with an example."""


def _placed(document: YamlDocument, found: ErrorDetails) -> Problem:
    key = str(found["loc"][-1]) if len(found["loc"]) > 1 else ""
    form = _FORMS.get((found["type"], key))
    return document.problem(found["loc"], form) if form else problem_of(document, found, ModelProfile)


def _cross_checks(document: YamlDocument, profiles: Mapping[str, ModelProfile]) -> Iterator[Problem]:
    if "default" not in profiles:
        yield document.problem((), "needs the alias `default`, which workflows name when they name no other")
    for alias, profile in profiles.items():
        for position, name in enumerate(profile.fallbacks):
            if name not in profiles and "/" not in name:
                path = (alias, "fallbacks", position)
                yield document.problem(path, f"`{name}` is neither an alias here nor a `provider/model`")
        if profile.cheaper is not None and (profile.cheaper not in profiles or profile.cheaper == alias):
            yield document.problem((alias, "cheaper"), f"`{profile.cheaper}` is no other alias of this file")
