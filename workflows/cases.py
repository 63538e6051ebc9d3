"""Golden cases: what a workflow is held to, read as strictly as workflows are."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from workflows.reader import InvalidYaml, Problem, read_yaml
from workflows.run import Json
from workflows.steps.base import FileModel, Name
from workflows.wording import problem_of

Text = Annotated[str, Field(min_length=1, max_length=100_000)]


class Expectation(FileModel):
    """What must be true of the answer. What is left out is not looked at."""

    outcome: Name | None = None
    must_cite: list[Text] = Field([])
    """Paths of documents, each of which must be cited."""
    must_contain: list[Text] = Field([])
    """Texts that must stand in the answer, whatever their case."""
    must_abstain: bool | None = None
    label: str | None = None
    """Of the first classify step."""
    fields: dict[Name, str | int | float | bool | None] = Field({})
    """Of the first extract step."""


class CaseRow(FileModel):
    """One case as a file has it."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
    inputs: dict[Name, str | int | float | bool]
    needs: Literal["writing_model"] | None = None
    why: str = ""
    expect: Expectation


@dataclass(frozen=True, slots=True)
class Case:
    """Inputs and what is expected of the answer to them."""

    id: str
    inputs: dict[str, str]
    """As a person would type them."""
    expect: Expectation
    needs: str = ""
    """`writing_model`: a model that only quotes cannot be held to it."""
    why: str = ""


class InvalidCases(Exception):
    """The file holds no usable cases. Carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
        self.facts = {"problems": str(self)}


_ROWS = TypeAdapter(list[CaseRow])


def load_cases(text: str) -> tuple[Case, ...]:
    """Read a file of cases. Raises InvalidCases with every problem, each with its line."""
    try:
        document = read_yaml(text)
    except InvalidYaml as error:
        raise InvalidCases(error.problems) from None
    try:
        rows = _ROWS.validate_python(document.value)
    except ValidationError as error:
        found = (problem_of(document, each, CaseRow) for each in error.errors(include_url=False))
        raise InvalidCases(tuple(sorted(set(found)))) from None
    ids = [row.id for row in rows]
    twice = [
        document.problem((position, "id"), f"there are two cases `{each}`")
        for position, each in enumerate(ids)
        if each in ids[:position]
    ]
    if twice:
        raise InvalidCases(tuple(twice))
    return tuple(
        Case(
            row.id,
            {name: _typed(value) for name, value in row.inputs.items()},
            row.expect,
            row.needs or "",
            row.why,
        )
        for row in rows
    )


def _typed(value: Json) -> str:
    """The value as a person would type it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
