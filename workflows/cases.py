"""Golden cases: what a workflow is held to, read as strictly as workflows are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from workflows.expectations import Expectation
from workflows.file_model import FileModel, Name
from workflows.reader import InvalidYaml, Problem, YamlDocument, read_yaml
from workflows.run import Json
from workflows.wording import problem_of

__all__ = ["Case", "CaseRow", "Expectation", "InvalidCases", "load_cases", "read_case"]

WRITING_MODEL = "writing_model"


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
    source: Literal["file", "chat"] = "file"
    run_id: str = ""
    """The run that it was made from."""

    def as_json(self) -> dict[str, Any]:
        """As a file would say it."""
        found: dict[str, Any] = {"id": self.id, "inputs": self.inputs, "expect": self.expect.as_json()}
        extra = {"needs": self.needs, "why": self.why}
        return found | {name: value for name, value in extra.items() if value}


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
        raise _invalid(document, error) from None
    ids = [row.id for row in rows]
    twice = [
        document.problem((position, "id"), f"there are two cases `{each}`")
        for position, each in enumerate(ids)
        if each in ids[:position]
    ]
    if twice:
        raise InvalidCases(tuple(twice))
    return tuple(map(_case, rows))


def read_case(
    content: Mapping[str, Any], *, source: Literal["file", "chat"] = "chat", run_id: str = ""
) -> Case:
    """One case from plain JSON, as `Case.as_json` gives it. Raises InvalidCases."""
    try:
        row = CaseRow.model_validate(dict(content))
    except ValidationError as error:
        raise _invalid(YamlDocument(dict(content), {}), error) from None
    return _case(row, source, run_id)


def _invalid(document: YamlDocument, error: ValidationError) -> InvalidCases:
    found = (problem_of(document, each, CaseRow) for each in error.errors(include_url=False))
    return InvalidCases(tuple(sorted(set(found))))


def _case(row: CaseRow, source: Literal["file", "chat"] = "file", run_id: str = "") -> Case:
    inputs = {name: _typed(value) for name, value in row.inputs.items()}
    return Case(row.id, inputs, row.expect, row.needs or "", row.why, source, run_id)


def _typed(value: Json) -> str:
    """The value as a person would type it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
