"""What a run is given (inputs) and what may be tuned (parameters): declarations, and from text to values."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeVar

from workflows.run import Json
from workflows.template import nearest

MAX_TEXT = 100_000
_TRUE = frozenset(["yes", "true", "on", "1", "y"])
_FALSE = frozenset(["no", "false", "off", "0", "n"])

Scalar = str | int | float | bool | None


class InvalidInputs(Exception):
    """Some inputs are missing or wrong: input name to what is wrong with it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in problems.items()))
        self.problems = dict(problems)
        self.facts = {"problems": str(self)}


def _optional(default: Any, **checks: Any) -> Any:
    """A key that may be left out; `checks` are what `file_model.checked` has the file's value checked by."""
    return field(default=default, metadata=checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What inputs and parameters have in common. Raises ValueError whose text says what does not fit."""

    kind: str
    default: Scalar = None
    min: int | float | None = None
    max: int | float | None = None
    # a list in the file
    choices: tuple[str, ...] = _optional((), max_length=100, strict=False)
    help: str = _optional("", max_length=500)
    max_length: int = _optional(MAX_TEXT, ge=1, le=MAX_TEXT)

    def __post_init__(self) -> None:
        if bool(self.choices) != (self.kind == "choice"):
            raise ValueError("has `choices` when, and only when, its kind is choice")
        if self.kind not in ("integer", "number") and (self.min is not None or self.max is not None):
            raise ValueError("has `min` and `max` only when it is a number")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("has a `min` above its `max`")
        if self.default is not None:
            try:
                read_value(self, self.default)
            except ValueError as error:
                raise ValueError(f"has a default that {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Input(Setting):
    """Something a run is given by the person who starts it."""

    kind: Literal["text", "number", "integer", "date", "boolean", "choice"]
    label: str = _optional("", max_length=150, description="Shown above the field in a form.")
    required: bool = True
    max_length: int = _optional(10_000, ge=1, le=MAX_TEXT, description="Characters.")
    source: Literal["message", "thread", "earlier", ""] = _optional(
        "",
        alias="from",
        description="What fills it: the message or thread it is run on; earlier: what was asked before in "
        "the conversation, for which nobody is asked.",
    )

    def __post_init__(self) -> None:
        Setting.__post_init__(self)
        if self.source == "earlier" and (self.kind != "text" or self.default is None):
            raise ValueError("is `from: earlier`, so it must be text with a default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Setting):
    """Something that may be tuned in chat, within bounds."""

    kind: Literal["integer", "number", "text", "choice", "boolean"]
    default: str | int | float | bool
    max_length: int = _optional(1_000, ge=1, le=10_000)

    def read(self, raw: Scalar) -> Json:
        """The value for this parameter. Raises ValueError whose text says what is wrong."""
        return read_value(self, raw)


def read_value(setting: Setting, raw: Scalar) -> Json:
    """The typed value of what was typed. Raises ValueError whose text says what is wrong."""
    return _READERS[setting.kind](setting, raw)


def _text(setting: Setting, raw: Scalar) -> Json:
    if not isinstance(raw, str):
        raise ValueError("must be text")
    text = clean(raw)
    if len(text) > setting.max_length:
        raise ValueError(f"is {len(text):,} characters long; at most {setting.max_length:,} are read")
    return text


def clean(text: str) -> str:
    """The text without control characters and broken Unicode, composed, without space around it."""
    kept = text
    if not text.isprintable():
        kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", kept).strip()


def _number(setting: Setting, raw: Scalar) -> Json:
    try:
        value = float(raw.replace(",", "") if isinstance(raw, str) else _not_bool(raw))
    except ValueError:
        raise ValueError("must be a number") from None
    if value != value or abs(value) > 1e15:
        raise ValueError("must be a number")
    return _bounded(setting, value)


def _integer(setting: Setting, raw: Scalar) -> Json:
    number = _number(setting, raw)
    if not isinstance(number, float) or not number.is_integer():
        raise ValueError("must be a whole number")
    return int(number)


def _not_bool(raw: Scalar) -> int | float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError
    return raw


def _bounded(setting: Setting, value: float) -> float:
    if setting.min is not None and value < setting.min:
        raise ValueError(f"must be {setting.min} or more")
    if setting.max is not None and value > setting.max:
        raise ValueError(f"must be {setting.max} or less")
    return value


def _date(_: Setting, raw: Scalar) -> Json:
    try:
        return date.fromisoformat(str(raw).strip()).isoformat()
    except ValueError:
        raise ValueError("must be a date like 2026-11-30") from None


def _boolean(_: Setting, raw: Scalar) -> Json:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("must be yes or no")
    return word in _TRUE


def _choice(setting: Setting, raw: Scalar) -> Json:
    word = str(raw).strip()
    found = next((choice for choice in setting.choices if choice.casefold() == word.casefold()), None)
    if found is None:
        raise ValueError(f"must be one of {', '.join(setting.choices)}{nearest_only(word, setting.choices)}")
    return found


def nearest_only(word: str, known: Sequence[str]) -> str:
    """The `did you mean` of `nearest`, without the list."""
    hint = nearest(word, known)
    return hint if "did you mean" in hint else ""


_READERS: Mapping[str, Callable[[Setting, Scalar], Json]] = {
    "text": _text,
    "number": _number,
    "integer": _integer,
    "date": _date,
    "boolean": _boolean,
    "choice": _choice,
}

Declared = TypeVar("Declared", Input, Parameter)


def read_inputs(declared: Mapping[str, Input], raw: Mapping[str, str]) -> dict[str, Json]:
    """Every declared input with its value; None where an optional one is not given. Raises InvalidInputs."""
    problems = {name: f"is not an input{nearest(name, declared)}" for name in raw if name not in declared}
    values: dict[str, Json] = {}
    for name, setting in declared.items():
        given = raw.get(name)
        try:
            is_given = given is not None and bool(clean(given))
            found = given if is_given else setting.default
            if found is None and setting.required:
                raise ValueError("is needed")
            values[name] = None if found is None else read_value(setting, found)
        except ValueError as error:
            problems[name] = str(error)
    if problems:
        raise InvalidInputs(problems)
    return values


def read_parameters(declared: Mapping[str, Parameter], given: Mapping[str, Json]) -> dict[str, Json]:
    """Every declared parameter with its value: given, or its default. Raises InvalidInputs."""
    problems = {
        name: f"is not a parameter{nearest(name, declared)}" for name in given if name not in declared
    }
    values: dict[str, Json] = {}
    for name, setting in declared.items():
        found = given.get(name, setting.default)
        try:
            if isinstance(found, list | dict):
                raise ValueError("must be one value")
            values[name] = read_value(setting, found)
        except ValueError as error:
            problems[name] = str(error)
    if problems:
        raise InvalidInputs(problems)
    return values
