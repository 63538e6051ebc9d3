"""Where each kind of request is read and dealt with."""

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from bot.slack import payloads
from bot.slack.payloads import Call, Kind

if TYPE_CHECKING:
    # all rooms: loaded at the first request that is not for a workflow
    from bot.slack.desk import Handler

KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind)}
READERS: Mapping[Kind, Callable[[Mapping[str, Any]], Call]] = {
    "command": payloads.from_command,
    "action": payloads.from_action,
    "view": payloads.from_view,
    "shortcut": payloads.from_shortcut,
    "event": payloads.from_event,
}


@functools.cache
def handlers() -> "Mapping[Kind, Handler]":
    """Who deals with each kind; the first call loads every room, which takes tenths of a second."""
    from bot.slack import actions, commands, messages, shortcuts, views

    return {
        "command": commands.received,
        "action": actions.received,
        "view": views.received,
        "shortcut": shortcuts.received,
        "event": messages.received,
    }
