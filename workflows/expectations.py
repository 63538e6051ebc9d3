"""What a golden case expects of an answer: the keys of `expect`, read strictly."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from workflows.file_model import FileModel, Name
from workflows.glob import MAX_PATTERN
from workflows.steps.replies import SchemaField

SIMILAR, RUBRIC_PASSES = 0.7, 0.7
"""From which cosine a text counts as similar, and from which score a rubric as met, unless the case says."""

Text = Annotated[str, Field(min_length=1, max_length=100_000)]
Share = Annotated[float, Field(ge=0, le=1)]


def _measured(default: float) -> Any:
    """A text alone stands for the text with the threshold that is usual."""

    def read(value: object) -> object:
        return {"text": value, "at_least": default} if isinstance(value, str) else value

    return BeforeValidator(read)


def _dollars(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise PydanticCustomError("dollars", "must be dollars, like 0.01")
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise PydanticCustomError("dollars", "must be dollars, like 0.01") from None
    if not found.is_finite() or found < 0:
        raise PydanticCustomError("dollars", "must be 0 dollars or more")
    return found


def _once(value: list[str]) -> list[str]:
    twice = [each for position, each in enumerate(value) if each in value[:position]]
    if twice:
        raise PydanticCustomError("twice", "names `{it}` twice", {"it": twice[0][:80]})
    return value


Texts = Annotated[list[Text], Field(max_length=50), AfterValidator(_once)]
Dollars = Annotated[
    Decimal,
    BeforeValidator(_dollars),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "number", "minimum": 0}),
]


class Likeness(FileModel):
    """A text, and how near to it an answer must be."""

    text: Text
    at_least: Share = SIMILAR


class Rubric(FileModel):
    """What a judge scores an answer by, and the score that passes."""

    text: Annotated[str, Field(min_length=1, max_length=4000)]
    at_least: Share = RUBRIC_PASSES


class Expectation(FileModel):
    """What must be true of the answer. What is left out is not looked at."""

    outcome: Name | None = Field(None, description="The outcome the workflow ends with.")
    exact: Text | None = Field(None, description="The whole answer; spacing and citation marks aside.")
    must_contain: Texts = Field([], description="Texts that stand in the answer, whatever their case.")
    must_not_contain: Texts = Field([], description="Texts that do not, whatever their case.")
    pattern: Annotated[str, Field(min_length=1, max_length=MAX_PATTERN)] | None = Field(
        None, description="The whole answer, where `*` is any text and `?` any one character."
    )
    output_schema: Annotated[SchemaField, PlainSerializer(lambda shape: shape.schema)] | None = Field(
        None, alias="schema", description="JSON Schema of the fields picked out or the JSON written."
    )
    must_cite: Texts = Field([], description="Paths of documents, each of which is cited.")
    grounded: bool | None = Field(
        None, description="Whether the passages cited carry every sentence of the answer."
    )
    must_abstain: bool | None = Field(None, description="Whether it says that it is not covered.")
    similar_to: Annotated[Likeness, _measured(SIMILAR)] | None = Field(
        None, description="A text that means the same; `{text, at_least}` sets how near from 0 to 1."
    )
    max_seconds: Annotated[float, Field(gt=0, le=3600)] | None = Field(
        None, description="Longest time to the answer."
    )
    max_cost: Dollars | None = Field(None, description="Most dollars for the answer.")
    rubric: Annotated[Rubric, _measured(RUBRIC_PASSES)] | None = Field(
        None, description="What a judge model scores it by; `{text, at_least}` sets the score that passes."
    )
    label: str | None = Field(None, description="The label that the first classify step chose.")
    fields: dict[Name, str | int | float | bool | None] = Field(
        {}, description="Values of the first extract step."
    )

    @model_validator(mode="after")
    def _can_be_met(self) -> "Expectation":
        if not self.model_fields_set:
            raise PydanticCustomError("nothing", "expects nothing, so it would always pass")
        wanted = {each.casefold() for each in self.must_contain}
        both = next((each for each in self.must_not_contain if each.casefold() in wanted), None)
        if both is not None:
            raise PydanticCustomError(
                "both", "has `{it}` in must_contain and must_not_contain", {"it": both[:80]}
            )
        return self

    def as_json(self) -> dict[str, Any]:
        """As a file would say it; read again, it is the same expectation."""
        dumped: dict[str, Any] = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return dumped

    @classmethod
    def keys(cls) -> dict[str, str]:
        """Every key of `expect` with what it means."""
        return {info.alias or name: info.description or "" for name, info in cls.model_fields.items()}
