"""What an edit form remembers between being drawn and sent: whose text about what, and where it began."""

import json
from collections.abc import Mapping
from typing import Any

from bot.governance.changes import Target
from bot.services.drafting import Edit, Editing
from bot.services.edit_targets import FORMS
from bot.slack.payloads import Call, UnreadableClick
from bot.slack.requesting import memory_of

PLACE = ("channel", "thread_ts", "message_ts", "response_url", "surface")
"""Where the form was opened."""


def place_of(call: Call) -> dict[str, str]:
    """Where a form is opened; a form that another form opens began where that one did."""
    if call.metadata.get("channel") or call.metadata.get("response_url"):
        return {name: str(call.metadata.get(name, "")) for name in PLACE}
    return memory_of(call, "command")


def packed(editing: Editing, place: Mapping[str, str], **more: Any) -> str:
    """The memory of a form."""
    edit = editing.edit
    kept = {
        "d": edit.draft_id,
        "k": edit.target.kind,
        "n": edit.target.name,
        "b": edit.base_hash,
        "r": edit.revision,
        **more,
        **{name: place.get(name, "") for name in PLACE},
    }
    return json.dumps({key: value for key, value in kept.items() if value}, separators=(",", ":"))


def edit_of(call: Call, content: str = "", reason: str = "") -> Edit:
    """The edit a form was drawn for, with what it holds now. Raises UnreadableClick."""
    memory = call.metadata
    draft, base = memory.get("d"), memory.get("b")
    if not isinstance(draft, str) or not isinstance(base, str):
        raise UnreadableClick(call.name)
    target = read_target(memory, call.name)
    return Edit(draft, target, content, base, reason, int(memory.get("r") or 0))


def read_target(carried: Mapping[str, Any], name: str) -> Target:
    """The target that a button or form carries. Raises UnreadableClick."""
    kind = next((kind for kind in FORMS if kind == carried.get("k")), None)
    if kind is None or not isinstance(carried.get("n"), str):
        raise UnreadableClick(name)
    return Target(kind, str(carried["n"]))  # type: ignore[arg-type]  # one of the kinds with a form


def carried(target: Target) -> str:
    """A target as the value of a button."""
    return json.dumps({"k": target.kind, "n": target.name}, separators=(",", ":"))
