"""What every step kind is made of: its fields, what it does, what it leaves for later steps.

A kind is one module with a definition (pydantic), a perform function and a `KIND`, and one row in
workflows/steps/__init__.py.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from workflows.file_model import FileModel, Name
from workflows.ports import Model, Retriever
from workflows.rules import Condition, InvalidCondition, parse_condition
from workflows.run import Json, Usage
from workflows.template import InvalidTemplate, Reference, Template, parse_template

if TYPE_CHECKING:
    from workflows.definition import Workflow
    from workflows.template import PromptTemplate

RESERVED = frozenset(["inputs", "parameters", "true", "false", "null", "in", "has", "item", "loop"])
"""Names that mean something else in conditions and templates."""


class StepName(str):
    """The id of another step, as a field names it."""


def _template(value: object) -> Template:
    if not isinstance(value, str):
        raise PydanticCustomError("text_wanted", "must be text; put quotes around it")
    try:
        return parse_template(value)
    except InvalidTemplate as error:
        raise PydanticCustomError("template", "{why}", {"why": str(error)}) from None


def _condition(value: object) -> Condition:
    if not isinstance(value, str):
        raise PydanticCustomError("condition", "must be a condition, like `find.support < 0.4`")
    try:
        return parse_condition(value)
    except InvalidCondition as error:
        raise PydanticCustomError("condition", "{why}", {"why": str(error)}) from None


def _number(value: object) -> Template | int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise PydanticCustomError("number_wanted", "must be a number, or a template that is one value")
    if not isinstance(value, str):
        return value
    template = _template(value)
    if len(template.parts) != 1 or isinstance(template.parts[0], str):
        raise PydanticCustomError("number_wanted", "must be a number, or a template that is one value")
    return template


def _not_reserved(value: str) -> str:
    if value in RESERVED:
        raise PydanticCustomError("reserved", "is a word with another meaning; choose a different id")
    return value


TemplateText = Annotated[
    Template,
    PlainValidator(_template),
    WithJsonSchema({"type": "string", "description": "Text; {{ inputs.name }} is replaced."}),
]
ConditionText = Annotated[
    Condition,
    PlainValidator(_condition),
    WithJsonSchema({"type": "string", "description": "A condition in CEL."}),
]
NumberOrTemplate = Annotated[
    Template | int | float,
    PlainValidator(_number),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\s*\{\{.*\}\}\s*$"}]}),
]
StepId = Annotated[Name, AfterValidator(_not_reserved)]
StepRef = Annotated[Name, AfterValidator(StepName)]


class StepDefinition(FileModel):
    """The fields every step has."""

    id: StepId
    kind: str
    title: str = Field("", max_length=120, description="Shown while the step runs.")
    needs: list[StepRef] | None = Field(
        None, description="Steps this one waits for. Left out: the step before it. Empty: none."
    )
    when: ConditionText | None = Field(None, description="The step is skipped unless this holds.")
    join: Literal["all", "any"] = Field(
        "all", description="all: skipped when anything it needs was skipped; any: only when all were."
    )
    timeout_s: float = Field(60, gt=0, le=3600, description="Seconds for one attempt.")
    retry: int = Field(0, ge=0, le=5, description="Further attempts after a failure.")

    def plain_names(self) -> Iterator[tuple[tuple[str | int, ...], Reference]]:
        """Names read by text in a language of the kind's own, with the field they stand in."""
        return iter(())


class AskingStep(StepDefinition):
    """The fields of every step that asks a model."""

    model: str = Field(
        "default", pattern=r"^[a-z][a-z0-9-]{0,39}$", description="An alias; never a model's name."
    )
    template: str = Field("", pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$|^$", description="Name of the prompt.")
    variables: dict[Name, TemplateText] = Field({}, description="What else the prompt uses.")
    max_output_tokens: int | None = Field(None, ge=1, le=100_000)


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What performing a step gave."""

    output: Mapping[str, Json]
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step may see and use while it runs."""

    workflow: "Workflow"
    scope: Mapping[str, Json]
    """`inputs`, `parameters` and the output of every finished step, by id."""
    model: Model
    retriever: Retriever
    prompt: Callable[[str], "PromptTemplate"]
    on_text: Callable[[str], None] | None
    """Receives the answer as it is written; None for steps whose text is not the answer."""
    feedback: str
    """Why the last result was not good enough, when the step is done again."""
    redo: Callable[[str, str], Awaitable[Mapping[str, Json]]]
    """Perform a finished step (by id) again with feedback; its new output."""
    call: Callable[[str, Mapping[str, Json], str], Awaitable[StepOutcome]]
    """Execute another workflow (by name) with inputs, inside the step of this id."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table of step kinds."""

    definition: type[StepDefinition]
    perform: Callable[[Any, StepContext], Awaitable[StepOutcome]]
    sample: Callable[[Any], Mapping[str, Json]]
    """An output as this step might give it: which keys there are, and of what type."""
    words: Callable[[Any], str]
    """What the step does, as a sentence in Markdown."""
    bare: Callable[[Any], Mapping[str, Json]] | None = None
    """The sample with everything missing that may be, when anything may."""


class StepFailed(Exception):
    """A step could not give a result, with facts for the sentence. Trying again would not help."""

    def __init__(self, **facts: str) -> None:
        super().__init__(*facts.values())
        self.facts = facts


def number(value: Template | int | float, scope: Mapping[str, Json]) -> float:
    """A number that may be written as a template. Raises NotANumber."""
    found = value.value(scope) if isinstance(value, Template) else value
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise NotANumber(template=str(value), value=str(found)[:60])
    return found


class NotANumber(StepFailed):
    """A template where a number is wanted gave something else."""


def references(
    value: object, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Reference]]:
    """Every name that a definition reads, with the path of the field it stands in."""
    if isinstance(value, StepName):
        yield path, (str(value),)
    elif isinstance(value, Template | Condition):
        yield from ((path, reference) for reference in value.references)
    elif isinstance(value, FileModel):
        for name, info in type(value).model_fields.items():
            if name != "needs":
                yield from references(getattr(value, name), (*path, info.alias or name))
        if isinstance(value, StepDefinition):
            yield from value.plain_names()
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from references(each, (*path, key))
    elif isinstance(value, list | tuple):
        for position, each in enumerate(value):
            yield from references(each, (*path, position))
