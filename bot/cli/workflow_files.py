"""A workflow file with the prompts and cases beside it, as an operator hands them over."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

import typer

from bot.bootstrap import Product, library
from bot.cli import console
from bot.cli.asking import release_files
from bot.services.content_checks import unmet
from bot.services.contents import PROMPT, WORKFLOW, Content
from bot.shipped import PEOPLE
from workflows.cases import InvalidCases, load_cases
from workflows.definition import InvalidWorkflow, Workflow, check_references, load_workflow
from workflows.reader import InvalidYaml, Problem, read_yaml
from workflows.template import InvalidPrompt, PromptTemplate, parse_prompt

T = TypeVar("T")

AWAITED = "Its runs fail until that is there: python -m bot knowledge add <folder> --collection <name>"


@dataclass(frozen=True, slots=True)
class WorkflowFiles:
    """What was read, with nothing wrong in it."""

    workflow: Workflow
    prompts: tuple[Content, ...]
    cases: str
    """The text of `<name>.cases.yaml`; empty when there is none."""

    @property
    def contents(self) -> list[Content]:
        """What to release, the workflow last."""
        return [*self.prompts, Content(WORKFLOW, self.workflow.name, self.workflow.text)]


def _why_unread(path: Path) -> str:
    if not path.exists():
        return f"there is no file {path}; check the path"
    return "this is a folder; name a file" if path.is_dir() else "this is no text; save it as UTF-8"


@dataclass(slots=True)
class _Reading:
    """Reads files and keeps what is wrong with each, to say it all at once."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def text(self, path: Path) -> str | None:
        """The text of a file; None when it has none."""
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            self.said.append(f"{self._shown(path)}:1:1: {_why_unread(path)}")
            return None

    def read(self, path: Path, reader: Callable[[str], T]) -> T | None:
        """What a file says; None when it cannot be used."""
        text = self.text(path)
        return None if text is None else self.parse(path, text, reader)

    def parse(self, path: Path, text: str, reader: Callable[[str], T]) -> T | None:
        """As `read`, of the text of a file."""
        try:
            return reader(text)
        except (InvalidCases, InvalidPrompt, InvalidWorkflow) as error:
            self.place(path, error.problems)
            return None

    def place(self, path: Path, problems: tuple[Problem, ...]) -> None:
        """Keep problems with their places."""
        for each in problems:
            what = f"{each.path}: {each.message}" if each.path else each.message
            self.said.append(f"{self._shown(path)}:{each.line}:{each.column}: {what}")

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def read_files(file: Path) -> WorkflowFiles:
    """A workflow file and what stands beside it; shows every problem of all of them and ends with 1."""
    reading = _Reading(file.parent)
    text = reading.text(file)
    if text is None:
        refuse(reading.said)
    workflow = reading.parse(file, text, lambda text: load_workflow(text, source=file.name))
    prompts = _prompts(reading, file, text)
    cases = _cases(reading, workflow.name) if workflow else ""
    if workflow is None or reading.said:
        refuse(reading.said)
    reading.place(file, check_references(workflow, prompts=_known(prompts)))
    if reading.said:
        refuse(reading.said)
    return WorkflowFiles(workflow, prompts, cases)


async def refuse_unmet(product: Product, file: Path, contents: list[Content], label: str) -> None:
    """End the command where the workflow could not run here; warn of a collection that is not there yet."""
    await release_files(product)
    found = await product.store.read(
        lambda connection: unmet(connection, product.catalogue, contents, shipped=(PEOPLE,), label=label)
    )
    reading = _Reading(file.parent)
    reading.place(file, found.awaited)
    if reading.said:
        console.err.print("\n".join((*reading.said, AWAITED)), style="yellow", markup=False)
    if found.missing:
        reading.said.clear()
        reading.place(file, found.missing)
        refuse(reading.said)


def refuse(said: list[str]) -> NoReturn:
    """Show what is wrong, a line each, and end the command."""
    for line in said:
        console.err.print(line, style="red", markup=False)
    raise typer.Exit(1)


def _prompts(reading: _Reading, file: Path, text: str) -> tuple[Content, ...]:
    """The prompts beside the file that it names."""
    shipped = {content.name for content in library() if content.kind == PROMPT}
    beside = {path.stem: path for path in (file.parent / "prompts").glob("*.md")}
    found = []
    for name in sorted(set(_named(text))):
        if name in beside:
            prompt = reading.read(beside[name], partial(parse_prompt, name))
            found += [Content(PROMPT, name, prompt.text)] if prompt else []
        elif name not in shipped:
            reading.said.append(f"{file.name}: no prompts/{name}.md beside it")
    return tuple(found)


def _named(text: str) -> Iterator[str]:
    """The prompts that a workflow file names, whatever else is wrong with it."""
    try:
        content = read_yaml(text).value
    except InvalidYaml:
        return
    steps = content.get("steps") if isinstance(content, dict) else None
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict) and isinstance(name := step.get("template"), str):
            yield name


def _cases(reading: _Reading, name: str) -> str:
    path = reading.folder / f"{name}.cases.yaml"
    if not path.is_file():
        return ""
    text = reading.text(path) or ""
    reading.parse(path, text, load_cases)
    return text


def _known(prompts: tuple[Content, ...]) -> Mapping[str, PromptTemplate]:
    """Those beside the file in place of those that ship."""
    shipped = (content for content in library() if content.kind == PROMPT)
    return {each.name: parse_prompt(each.name, each.text) for each in (*shipped, *prompts)}
