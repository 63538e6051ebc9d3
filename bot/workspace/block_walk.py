"""Walks blocks: gives them ids, finds the element somebody used."""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bot.workspace.noticeboard import Json

WITHOUT_ACTION = frozenset({"image", "plain_text", "mrkdwn", "rich_text_section"})


def elements(blocks: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with its block, in reading order."""
    for block in blocks:
        inside: list[Any] = []
        if block.get("type") in ("actions", "context_actions"):
            inside = list(block.get("elements") or ())
        if block.get("type") == "card":
            inside = list(block.get("actions") or ())
        inside += [block[place] for place in ("element", "accessory") if isinstance(block.get(place), dict)]
        for element in inside:
            if element.get("type") not in WITHOUT_ACTION:
                yield block, element
        for place in ("child_blocks", "elements"):
            if block.get("type") in ("container", "carousel"):
                yield from elements([one for one in block.get(place) or () if isinstance(one, dict)])


def with_ids(blocks: Sequence[Json], new_id: Callable[[], str]) -> list[Json]:
    """A copy in which every block and interactive element has an id, as Slack fills them in."""
    copied = copy.deepcopy(list(blocks))
    for block in copied:
        block.setdefault("block_id", new_id())
        if block.get("type") in ("container", "carousel"):
            place = "child_blocks" if block["type"] == "container" else "elements"
            block[place] = with_ids(block.get(place) or (), new_id)
    for _, element in elements(copied):
        element.setdefault("action_id", new_id())
    return copied


def find_element(blocks: Sequence[Json], action_id: str, block_id: str = "") -> tuple[Json, Json] | None:
    """The block and element with this action id; the block id decides between several."""
    return next(
        (
            (block, element)
            for block, element in elements(blocks)
            if element.get("action_id") == action_id and block_id in ("", block.get("block_id"))
        ),
        None,
    )
