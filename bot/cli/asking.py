"""`python -m bot run`: a run from the terminal, streamed, with its sources."""

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping
from textwrap import shorten
from typing import Annotated

import typer

from bot.bootstrap import Product, build
from bot.cli import console
from bot.services.access import OPERATOR
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Released
from bot.services.run_views import RunView
from bot.services.runs import RunRequest
from bot.settings_reading import read_settings
from bot.shipped import lacks_handbook, seed_contents, take_up_handbook
from workflows.inputs import InvalidInputs, nearest_only
from workflows.run import RUN_TRANSITIONS

LOOK_S = 0.2
MOST_SHOWN = 60
"""Characters of what was typed that a refusal repeats."""

_ASSIGNED = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=")


def run(
    workflow: Annotated[str, typer.Argument(help="Name of the workflow, e.g. ask-policy.")],
    words: Annotated[
        list[str] | None, typer.Argument(help="Inputs as name=value; other words fill the first text input.")
    ] = None,
) -> None:
    """Run a workflow here and show the answer with its sources."""
    with console.refusing():
        asyncio.run(_run(workflow, words or []))


async def _run(workflow: str, words: list[str]) -> None:
    product = build(read_settings())
    try:
        await prepare(product)
        view, streamed = await ask(product, workflow, words)
        console.show_run(view, product.clock.now(), streamed=streamed)
    finally:
        await product.close()
    if view.answer is None:
        raise typer.Exit(1)


async def prepare(product: Product) -> None:
    """Release what is in files, and load what is missing of the shipped handbook.

    Its later changes come with `serve` and `demo`, which look into each of its files.
    """
    await release_files(product)
    if await lacks_handbook(product):
        with console.progress_bar("Reading the shipped handbook") as follow:
            await take_up_handbook(product, follow)


async def release_files(product: Product) -> None:
    """Release what is in files; that a file's models hold for everybody from now on is said."""
    is_moved, file = await seed_contents(product, is_passing=True), product.settings.models
    if is_moved and file is not None:
        console.err.print(f"The models of {file} are in force now.", markup=False)


class WrongInputs(Exception):
    """What was typed does not fit the workflow: input to what is wrong with it."""

    def __init__(self, workflow: Released, problems: Mapping[str, str]) -> None:
        super().__init__(workflow.name)
        lines = "\n".join(f"{name}: {why}" for name, why in problems.items())
        usage = f"python -m bot run {workflow.name} {workflow.usage_hint}".rstrip()
        self.facts = {"workflow": workflow.name, "problems": lines, "usage": usage}


async def ask(product: Product, workflow: str, words: list[str]) -> tuple[RunView, str]:
    """Carry one request through, here or by a worker that is quicker; what of it was streamed.

    Raises WrongInputs.
    """
    inputs = fitting(await product.catalogue.find(workflow), words)
    request = RunRequest(f"terminal:{uuid.uuid4()}", Actor(OPERATOR), workflow, inputs, Origin("terminal"))
    accepted = await product.runs.accept(request)
    heard: list[str] = []

    def listen(run_id: str, words: str) -> None:
        if run_id == accepted.run_id:
            heard.append(words)
            console.piece(words)

    await product.worker(listen).drain()
    view = await product.runs.view(accepted.run_id)
    while RUN_TRANSITIONS[view.status]:
        await asyncio.sleep(LOOK_S)
        view = await product.runs.view(accepted.run_id)
    if heard:
        console.piece("\n")
    return view, "".join(heard)


def fitting(workflow: Released, words: list[str]) -> dict[str, str]:
    """Inputs that the workflow takes, from what was typed. Raises WrongInputs."""
    kinds = {name: item.kind for name, item in workflow.face.asked_inputs.items()}
    values, problems = read_words(words, kinds)
    try:
        workflow.face.read_inputs(values)
    except InvalidInputs as error:
        problems = {**error.problems, **problems}
    if problems:
        raise WrongInputs(workflow, problems)
    return values


def read_words(words: list[str], kinds: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Inputs from what the shell handed over, and what is wrong with the words themselves.

    `name=value` is an input, and so is one whose name is misspelt or has no text to stand in, to be refused
    as the inputs are read; the rest is the first text input left, so that "is a=b?" survives as a question.
    """
    values: dict[str, str] = {}
    problems: dict[str, str] = {}
    rest = _take(words, kinds.__contains__, values, problems)
    open_texts = [name for name, kind in kinds.items() if kind == "text" and name not in values]
    rest = _take(
        rest, lambda name: not open_texts or bool(nearest_only(name, tuple(kinds))), values, problems
    )
    if rest and open_texts:
        values[open_texts[0]] = " ".join(rest)
    elif rest:
        problems[f"“{shorten(' '.join(rest), MOST_SHOWN, placeholder='…')}”"] = "belongs to no input"
    return values, problems


def _take(
    words: list[str], is_taken: Callable[[str], bool], values: dict[str, str], problems: dict[str, str]
) -> list[str]:
    """Move each `name=value` whose name is taken into the values; returns the other words."""
    rest = []
    for word in words:
        found = _ASSIGNED.match(word)
        if found is None or not is_taken(found[1]):
            rest.append(word)
        elif found[1] in values:
            problems[found[1]] = "is given more than once"
        else:
            values[found[1]] = word[found.end() :]
    return rest
