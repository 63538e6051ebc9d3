"""A workflow file: YAML to a Workflow that can be executed, with every problem of the file found at once."""

from collections.abc import Collection, Iterator, Mapping

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from workflows.condition_checks import condition_problems
from workflows.load_checks import name_problems
from workflows.reader import InvalidYaml, Path, Problem, YamlDocument, read_yaml
from workflows.run import Json
from workflows.steps import KINDS
from workflows.steps.base import AskingStep, StepDefinition
from workflows.steps.call import CallStep
from workflows.steps.fencing import provided
from workflows.steps.retrieve import RetrieveStep
from workflows.template import PromptTemplate, Template, nearest
from workflows.wording import problem_of
from workflows.workflow import MAX_STEPS, STEP, Header, Workflow, read_answer

__all__ = ["InvalidWorkflow", "Workflow", "check_references", "load_workflow"]


class InvalidWorkflow(Exception):
    """The file is not a workflow. Carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...], source: str = "") -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
        self.facts = {"source": source, "problems": str(self)}


def load_workflow(text: str, *, source: str = "") -> Workflow:
    """Read a workflow file. Raises InvalidWorkflow with every problem, each with its line."""
    try:
        document = read_yaml(text)
    except InvalidYaml as error:
        raise InvalidWorkflow(error.problems, source) from None
    content = document.value
    if not isinstance(content, dict):
        raise InvalidWorkflow((Problem(1, 1, "", "must be a mapping that starts with `name: ...`"),), source)
    problems: list[Problem] = []
    header = _header(document, content, problems)
    steps = _steps(document, content, problems)
    problems += name_problems(document, content, steps, header.answer if header else _answer(content))
    if problems or header is None:
        raise InvalidWorkflow(tuple(sorted(set(problems))), source)
    workflow = _workflow(header, [step for step in steps if step is not None], text, content)
    problems = [document.problem(path, message) for path, message in condition_problems(workflow)]
    if problems:
        raise InvalidWorkflow(tuple(problems), source)
    return workflow


def _header(document: YamlDocument, content: dict[str, Json], problems: list[Problem]) -> Header | None:
    try:
        return Header.model_validate({key: value for key, value in content.items() if key != "steps"})
    except ValidationError as error:
        problems += (problem_of(document, each, Header) for each in error.errors(include_url=False))
        return None


def _answer(content: dict[str, Json]) -> Mapping[str, Template]:
    """The answer of a file whose header cannot be used, so that its names are looked at all the same."""
    try:
        return read_answer(content.get("answer"))
    except (ValidationError, PydanticCustomError):
        return {}


def _steps(
    document: YamlDocument, content: dict[str, Json], problems: list[Problem]
) -> list[StepDefinition | None]:
    """The steps; None for one that has problems."""
    found = content.get("steps")
    if not isinstance(found, list) or not found:
        problems.append(document.problem(("steps",), "must be a list of at least one step"))
        return []
    if len(found) > MAX_STEPS:
        problems.append(document.problem(("steps",), f"has more than {MAX_STEPS} steps"))
        return []
    return [_step(document, position, each, problems) for position, each in enumerate(found)]


def _step(
    document: YamlDocument, position: int, content: Json, problems: list[Problem]
) -> StepDefinition | None:
    path: Path = ("steps", position)
    kind = content.get("kind") if isinstance(content, dict) else None
    try:
        return STEP.validate_python(content)
    except ValidationError as error:
        known = KINDS[kind].definition if isinstance(kind, str) and kind in KINDS else StepDefinition
        problems += (problem_of(document, each, known, path) for each in error.errors(include_url=False))
        return None


def _workflow(header: Header, steps: list[StepDefinition], text: str, content: Json) -> Workflow:
    return Workflow(
        **dict(header),
        steps=tuple(steps),
        text=text,
        content=content,
    )


def check_references(
    workflow: Workflow,
    *,
    prompts: Mapping[str, PromptTemplate],
    workflows: Collection[str] | None = None,
    collections: Collection[str] | None = None,
    aliases: Collection[str] | None = None,
) -> tuple[Problem, ...]:
    """What the workflow names that is not there. None means: not known here, so not checked."""
    document = read_yaml(workflow.text)
    found: list[Problem] = []
    for position, step in enumerate(workflow.steps):
        for key, message in _missing(step, prompts, workflows, collections, aliases):
            found.append(document.problem(("steps", position, key), message))
    return tuple(found)


def _missing(
    step: StepDefinition,
    prompts: Mapping[str, PromptTemplate],
    workflows: Collection[str] | None,
    collections: Collection[str] | None,
    aliases: Collection[str] | None,
) -> Iterator[tuple[str, str]]:
    """Field and message of each thing a step names that is not there."""
    if isinstance(step, RetrieveStep) and collections is not None and step.collection not in collections:
        yield (
            "collection",
            f"there is no collection `{step.collection}`{nearest(step.collection, collections)}",
        )
    if isinstance(step, CallStep) and workflows is not None and step.workflow not in workflows:
        yield "workflow", f"there is no workflow `{step.workflow}`{nearest(step.workflow, workflows)}"
    if not isinstance(step, AskingStep):
        return
    if aliases is not None and step.model not in aliases:
        yield "model", f"no model is set up under the alias `{step.model}`{nearest(step.model, aliases)}"
    if step.template and step.template not in prompts:
        yield "template", f"there is no prompt `{step.template}`{nearest(step.template, prompts)}"
    elif step.template:
        given = provided(step)
        for name in prompts[step.template].variables:
            if name not in given:
                yield (
                    "template",
                    f"its prompt uses `{name}`, which the step does not give{nearest(name, given)}",
                )
