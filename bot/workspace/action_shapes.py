"""The `actions` entry of an interaction: what was used, with its value as the blocks define it."""

from collections.abc import Iterator
from typing import Any

from bot.workspace.block_state import FIELDS
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal


def action_of(block: Json, element: Json, given: Json) -> Json:
    """The action of an element; only what the element offers can be chosen."""
    kind = element["type"]
    action: Json = {"type": kind, "action_id": element["action_id"], "block_id": block["block_id"]}
    if kind in ("button", "icon_button", "workflow_button"):
        return action | {key: element[key] for key in ("text", "value", "style") if key in element}
    if kind == "feedback_buttons":
        return action | _feedback(element, given)
    if kind == "overflow":
        return action | {"selected_option": _offered(element, given.get("selected_option"))}
    if kind not in FIELDS:
        raise Refusal("action_not_found")
    name = FIELDS[kind][0]
    value = given.get(name)
    if name == "selected_option" and value is not None:
        value = _offered(element, value)
    if name == "selected_options":
        value = [_offered(element, one) for one in value or ()]
    return action | {name: value}


def _feedback(element: Json, given: Json) -> Json:
    for name in ("positive_button", "negative_button"):
        if element[name]["value"] == given.get("value"):
            return {"value": element[name]["value"], "text": element[name]["text"]}
    raise Refusal("action_not_found")


def _offered(element: Json, chosen: Any) -> Json:
    if element["type"].endswith("external_select") and isinstance(chosen, dict):
        return chosen
    wanted = chosen.get("value") if isinstance(chosen, dict) else None
    for option in options_of(element):
        if option.get("value") == wanted:
            return option
    raise Refusal("action_not_found")


def options_of(element: Json) -> Iterator[Json]:
    """The options of an element, those in groups included."""
    yield from element.get("options") or ()
    for group in element.get("option_groups") or ():
        yield from group["options"]
