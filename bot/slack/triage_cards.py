"""What owners see of bad answers. Pure."""

from collections.abc import Mapping
from datetime import datetime

from bot.services.outbox_items import OutboxItem
from bot.slack import elements as el
from bot.slack import triage_text as words
from bot.slack.blocks import notice
from bot.slack.elements import Outgoing

OPEN = "triage-open"
"""Action ids."""


def nudge(item: OutboxItem, _now: datetime, _names: Mapping[str, str]) -> Outgoing:
    """Something waits for an owner."""
    workflow, waiting = str(item.body.get("workflow", "")), int(item.body.get("waiting", 1))
    said = words.waiting(str(item.body.get("title", workflow)), waiting)
    return notice(said, el.actions(el.button(words.OPEN, OPEN, workflow, style="primary")))
