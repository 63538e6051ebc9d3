"""`python -m bot explain`: a workflow or a run in words, with its diagram as a file if one is asked for."""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.bootstrap import Product, build
from bot.cli import console
from bot.cli.asking import prepare
from bot.cli.out_files import see_writable
from bot.services.access import OPERATOR
from bot.services.actors import Actor
from bot.settings_reading import read_settings
from bot.slack import explain_blocks
from bot.slack.explain_actions import RUN_ID
from bot.slack.explain_blocks import Picture, Shown
from bot.slack.richtext import Block

_MOMENT = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")


def explain(
    what: Annotated[str, typer.Argument(help="Name of a workflow, or the id of a run, e.g. r_k2m4….")],
    picture: Annotated[
        Path | None, typer.Option(help="Write the diagram there, as PNG; with a run, the way that it took.")
    ] = None,
) -> None:
    """Explain how a workflow works, or how the answer of a run came about."""
    with console.refusing():
        asyncio.run(_explain(what, picture))


async def _explain(what: str, path: Path | None) -> None:
    see_writable(path)
    product = build(read_settings())
    try:
        await prepare(product)
        drawing, blocks = await _told(product, what.strip().removeprefix("/"))
        for line in lines_of(blocks):
            console.out.print(line, markup=False)
        if path is not None and drawing.source:
            png = await product.explaining.picture(drawing.source)
            await asyncio.to_thread(path.write_bytes, png)
            console.out.print(f"\nThe diagram is in {path}", markup=False)
    finally:
        await product.close()


async def _told(product: Product, what: str) -> tuple[Picture, list[Block]]:
    """The diagram and the words. Raises UnknownRun, UnknownWorkflow."""
    operator = Actor(OPERATOR)
    if RUN_ID.fullmatch(what):
        run = await product.explaining.run(operator, what)
        drawing = explain_blocks.picture_of_run(run)
        return drawing, explain_blocks.run_blocks(run, {}, Picture("", "", "", ""), Shown())
    workflow = await product.explaining.workflow(operator, what)
    drawing = explain_blocks.picture_of_workflow(workflow)
    nothing = Picture("", "", "", "")
    return drawing, explain_blocks.workflow_blocks(workflow, {}, nothing, Shown(), product.clock.now())


def lines_of(blocks: Iterable[Block]) -> Iterable[str]:
    """Blocks as lines for a terminal; buttons are left out."""
    for block in blocks:
        kind = block["type"]
        if kind == "header":
            yield f"\n{block['text']['text'].upper()}"
        elif kind == "section":
            # a step with its rules stands apart from the next
            yield _plain(block["text"]["text"]) + ("\n" if "\n" in block["text"]["text"] else "")
        elif kind == "context":
            yield from (_plain(element["text"]) for element in block["elements"])
        elif kind == "rich_text":
            yield "".join(_spoken(block))


def _plain(mrkdwn: str) -> str:
    words = console.plain(_MOMENT.sub(r"\1", mrkdwn))
    return re.sub(r"(?<![\w])_([^_\n]+)_(?![\w])", r"\1", words)


def _spoken(element: Any) -> Iterable[str]:
    """Every text in rich text, however deep, a line for each paragraph and list item."""
    if isinstance(element, list):
        for each in element:
            yield from _spoken(each)
    elif isinstance(element, dict):
        if isinstance(element.get("text"), str):
            yield element["text"]
        yield from _spoken(element.get("elements", []))
        if element.get("type") == "rich_text_section":
            yield "\n"
