"""`extract`: pick named facts out of a text."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from workflows.file_model import FileModel, Name
from workflows.ports import FieldSpec, Task
from workflows.run import Json
from workflows.steps.base import AskingStep, Kind, StepContext, StepOutcome, TemplateText
from workflows.steps.fencing import write
from workflows.steps.replies import Shape, ask_for_json, asked, plain_schema
from workflows.template import parse_prompt

DEFAULT = parse_prompt(
    "extract",
    "Pick these facts out of the text. Take only what it states; null when it does not. Dates as YYYY-MM-DD, "
    "amounts as plain numbers.\n\nFields:\n{{ fields }}\n\n{{ text }}",
)
_AMOUNT = re.compile(r"-?\d[\d.,'\u00a0\u202f ]*")
LARGEST = 1e18
"""A figure from here on is no count and no sum, and no float holds it exactly."""
MAGNITUDES = r"k|thousand|m|mn|mln|mio\.?|million|bn|mrd\.?|billion"
_MAGNITUDE = re.compile(rf"\s*({MAGNITUDES})(?!\w)", re.IGNORECASE)
_POWERS = {"k": 3, "t": 3, "m": 6, "b": 9, "mrd": 9}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")


class FieldRow(FileModel):
    """One fact to look for."""

    kind: Literal["text", "number", "integer", "date", "amount", "boolean", "choice", "id", "email"] = "text"
    description: str = Field("", max_length=300)
    required: bool = False
    choices: list[str] = Field([], max_length=100)

    @model_validator(mode="after")
    def _choices_with_choice(self) -> "FieldRow":
        if bool(self.choices) != (self.kind == "choice"):
            raise PydanticCustomError("choices", "has `choices` when, and only when, its kind is choice")
        return self


class ExtractStep(AskingStep):
    """Picks named facts out of a text; what the text does not state is null."""

    kind: Literal["extract"]
    text: TemplateText = Field(description="The text to read.")
    fields: dict[Name, FieldRow] = Field(min_length=1, max_length=40)

    def model_post_init(self, _: Any) -> None:
        """Build the schema once."""
        self._specs = {
            name: FieldSpec(row.kind, row.description, row.required, tuple(row.choices))
            for name, row in self.fields.items()
        }
        self._shape = Shape(plain_schema({name: _schema(spec) for name, spec in self._specs.items()}))

    _specs: dict[str, FieldSpec]
    _shape: Shape


def _schema(spec: FieldSpec) -> dict[str, Json]:
    if spec.kind == "choice":
        return {"enum": [*spec.choices, None]}
    kind = {"number": "number", "amount": "number", "integer": "integer", "boolean": "boolean"}.get(
        spec.kind, "string"
    )
    loose: list[Json] = [kind, "null"] if kind in ("string", "boolean") else [kind, "string", "null"]
    return {"type": loose}


async def perform(step: ExtractStep, context: StepContext) -> StepOutcome:
    """Ask the model for the fields. Raises ModelError."""
    task = Task(kind="extract", text=step.text.render(context.scope), fields=step._specs)
    request = asked(step, write(step, context, task, (), DEFAULT), task=task, schema=step._shape.schema)
    value, reply, usage = await ask_for_json(request, step._shape, context)
    raw = value if isinstance(value, dict) else {}
    fields: dict[str, Json] = {name: read_field(spec, raw.get(name)) for name, spec in step._specs.items()}
    missing: list[Json] = [
        name for name, spec in step._specs.items() if spec.required and fields[name] is None
    ]
    output: dict[str, Json] = {
        "fields": fields,
        "missing": missing,
        "notes": list(reply.notes),
        "model": reply.model,
    }
    found = sum(each is not None for each in fields.values())
    return StepOutcome(output, usage, reply.model, f"{found} of {len(fields)} found")


def read_field(spec: FieldSpec, value: Json) -> Json:
    """The value as its kind wants it; None when it cannot be that."""
    if value is None or isinstance(value, bool) or spec.kind == "boolean":
        return value if isinstance(value, bool) and spec.kind == "boolean" else None
    text = str(value).strip()
    if spec.kind in ("number", "amount", "integer"):
        return _numeric(text, whole=spec.kind == "integer", is_amount=spec.kind == "amount")
    if spec.kind == "date":
        return _date(text)
    if spec.kind == "email":
        return text if _EMAIL.match(text) else None
    if spec.kind == "choice":
        return next((choice for choice in spec.choices if choice.casefold() == text.casefold()), None)
    return text or None


def _numeric(text: str, *, whole: bool, is_amount: bool) -> int | float | None:
    match = _AMOUNT.search(text)
    if match is None:
        return None
    digits = re.sub(r"['\u00a0\u202f ]", "", match[0]).rstrip(".,")
    if digits.rfind(",") > digits.rfind("."):
        digits = digits.replace(".", "")
        is_grouped = re.search(r",\d{3}\Z", digits) and not digits.lstrip("-").startswith("0,")
        digits = digits.replace(",", "" if is_grouped else ".", 1).replace(",", "")
    else:
        digits = digits.replace(",", "")
    try:
        found = float(digits)
    except ValueError:
        return None
    scale = _MAGNITUDE.match(text, match.start() + len(match[0].rstrip()))
    if scale and (is_amount or len(scale[1]) > 2):
        found = scaled(found, scale[1])
    if abs(found) >= LARGEST:
        return None
    return int(found) if whole or (found.is_integer() and (scale or "." not in digits)) else found


def scaled(figure: float, magnitude: str) -> float:
    """The figure in full: 1.2 with `million` is 1200000."""
    word = magnitude.lower().rstrip(".")
    return round(figure * float(f"1e{_POWERS.get(word, _POWERS[word[0]])}"), 2)


def _date(text: str) -> str | None:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return None


_SAMPLES: Mapping[str, Json] = {
    "number": 1.0,
    "amount": 1.0,
    "integer": 1,
    "boolean": True,
    "date": "2026-01-01",
}


def _sample(step: ExtractStep) -> Mapping[str, Json]:
    fields: dict[str, Json] = {
        name: row.choices[0] if row.choices else _SAMPLES.get(row.kind, "text")
        for name, row in step.fields.items()
    }
    return {"fields": fields, "missing": ["text"], "notes": [], "model": "text"}


def _bare(step: ExtractStep) -> Mapping[str, Json]:
    missing: list[Json] = [name for name, row in step.fields.items() if row.required]
    nothing: dict[str, Json] = dict.fromkeys(step.fields)
    return {"fields": nothing, "missing": missing, "notes": [], "model": "text"}


def _words(step: ExtractStep) -> str:
    rows = "".join(
        f"\n  - `{name}` ({row.kind}{', required' if row.required else ''}): {row.description}".rstrip(": ")
        for name, row in step.fields.items()
    )
    return f"Asks the model `{step.model}` to pick these facts out of `{step.text}`:{rows}"


KIND = Kind(ExtractStep, perform, _sample, _words, _bare)
