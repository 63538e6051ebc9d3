"""What a workflow is: the parts of its file, and the Workflow that is made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError

from workflows import inputs as settings
from workflows.face import Face
from workflows.file_model import FileModel, Name, checked
from workflows.graph import Edges, edges
from workflows.inputs import Input, Parameter
from workflows.run import Json
from workflows.steps import KINDS
from workflows.steps.base import AskingStep, StepDefinition, TemplateText, references
from workflows.steps.call import CallStep
from workflows.steps.prompt import PromptStep
from workflows.template import Template
from workflows.versions import content_hash

if TYPE_CHECKING:
    AnyStep = StepDefinition
    InputEntry = Input
    ParameterEntry = Parameter
else:
    InputEntry, ParameterEntry = checked(Input), checked(Parameter)
    AnyStep = Annotated[
        reduce(or_, (kind.definition for kind in KINDS.values())), Field(discriminator="kind")
    ]

MAX_STEPS = 60


def read_answer(value: object) -> dict[str, Template]:
    """Outcome to text; a plain text has the key "". Raises ValidationError, PydanticCustomError."""
    if isinstance(value, str):
        return {"": _ANSWERS.validate_python({"otherwise": value})["otherwise"]}
    if not isinstance(value, dict):
        raise PydanticCustomError("answer", "must be text, or text for each outcome")
    return _ANSWERS.validate_python(value)


_ANSWERS: TypeAdapter[dict[str, Template]] = TypeAdapter(
    Annotated[dict[Name, TemplateText], Field(min_length=1, max_length=50)]
)


class Header(FileModel):
    """Everything of a workflow file but its steps."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$", description="Also its slash command.")
    title: str = Field(min_length=1, max_length=120)
    purpose: str = Field(min_length=1, max_length=1000, description="What it is for, in plain words.")
    visibility: Literal["private", "channel"] = Field(
        "private", description="private: the answer goes to the person; channel: where it was asked."
    )
    examples: tuple[Annotated[str, Field(max_length=300)], ...] = Field((), max_length=20, strict=False)
    inputs: dict[Name, InputEntry] = Field({}, max_length=20)
    parameters: dict[Name, ParameterEntry] = Field({}, max_length=40)
    answer: Annotated[
        dict[str, Template],
        PlainValidator(read_answer),
        WithJsonSchema(
            {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}
        ),
    ] = Field(description="Text, or text for each outcome of a decide or check step.")


class WorkflowFile(Header):
    """A whole workflow file, as editors know it."""

    steps: list[AnyStep] = Field(min_length=1, max_length=MAX_STEPS)


STEP: TypeAdapter[StepDefinition] = TypeAdapter(AnyStep)


@dataclass(frozen=True)
class Workflow(Face):
    """A workflow that can be executed."""

    parameters: Mapping[str, Parameter]
    steps: tuple[StepDefinition, ...]
    answer: Mapping[str, Template]
    """Outcome to text; the key "" holds the text of a workflow with only one answer."""
    text: str = field(repr=False)
    """The file as written."""
    content: Json = field(repr=False)
    """The file as plain values."""

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over the content, in hex: comments, order of keys and layout do not count."""
        return content_hash(self.content)

    @cached_property
    def edges(self) -> Mapping[str, Edges]:
        """What each step waits for."""
        return edges(self.steps)

    @cached_property
    def _by_id(self) -> Mapping[str, StepDefinition]:
        return {step.id: step for step in self.steps}

    @cached_property
    def has_several_citing(self) -> bool:
        """Whether more than one step cites, so that marks must say whose they are."""
        return sum(cites(step) for step in self.steps) > 1

    @cached_property
    def order(self) -> tuple[StepDefinition, ...]:
        """The steps so that each stands behind what it waits for, otherwise as in the file."""
        waiting, placed, found = list(self.steps), set[str](), list[StepDefinition]()
        while waiting:
            step = next(each for each in waiting if self.edges[each.id].all <= placed)
            waiting.remove(step)
            placed.add(step.id)
            found.append(step)
        return tuple(found)

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Step id to its place in the file, from 1."""
        return {step.id: position for position, step in enumerate(self.steps, 1)}

    @cached_property
    def spoken(self) -> frozenset[str]:
        """Steps whose text is an answer as it stands, so that people may watch it being written."""
        alone = (template for template in self.answer.values() if len(template.parts) == 1)
        roots = {root for template in alone for root, *_ in template.references}
        return frozenset(root for root in roots if isinstance(self._by_id.get(root), PromptStep))

    def prompt_names(self) -> frozenset[str]:
        """The prompts its steps are written with."""
        return frozenset(
            step.template for step in self.steps if isinstance(step, AskingStep) and step.template
        )

    def called_names(self) -> frozenset[str]:
        """The workflows its steps hand over to."""
        return frozenset(step.workflow for step in self.steps if isinstance(step, CallStep))

    def step(self, name: str) -> StepDefinition:
        """The step of that id."""
        return self._by_id[name]

    def read_parameters(self, given: Mapping[str, Json]) -> dict[str, Json]:
        """Typed values of every parameter, defaults filled in. Raises InvalidInputs."""
        return settings.read_parameters(self.parameters, given)

    @cached_property
    def feeding(self) -> Mapping[str, frozenset[str]]:
        """For each entry of `answer`, the steps its text rests on, directly or through other steps' texts."""
        return {entry: frozenset(self._feeding(template)) for entry, template in self.answer.items()}

    def _feeding(self, template: Template) -> set[str]:
        seen: set[str] = set()
        open_ = [reference[0] for reference in template.references]
        while open_:
            name = open_.pop()
            if name in self._by_id and name not in seen:
                seen.add(name)
                step = self._by_id[name].model_copy(update={"when": None})
                open_ += [reference[0] for _, reference in references(step)]
        return seen


def cites(step: StepDefinition) -> bool:
    """Whether the step's text holds citation marks."""
    return isinstance(step, CallStep) or (isinstance(step, PromptStep) and bool(step.sources))
