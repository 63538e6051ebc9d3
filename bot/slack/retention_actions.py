"""`/spanwise retention`: how long content is kept, shown, and set after a look at what goes."""

import json
from collections.abc import Awaitable, Callable, Mapping

from bot.governance.retention_words import MOST_DAYS, KeepingRequest, read_keeping
from bot.services.actors import Actor
from bot.services.retention import KeepingChange
from bot.slack import elements as el
from bot.slack import retention_text as words
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.elements import Outgoing
from bot.slack.form_replies import saying
from bot.slack.payloads import Call, UnreadableClick

KEEP = "retention-keep"
"""Action id."""


async def retention(call: Call, desk: Desk, rest: str) -> Reply:
    """`retention`, `retention <workflow>`, `retention <workflow> 90 days`."""
    asked = read_keeping(rest)
    actor = await desk.people.actor(call.person)
    service = desk.past_runs.retention
    if asked.is_change:
        return Reply(after=lambda: _ask(call, desk, actor, asked))
    found = await service.overview(actor)
    if asked.workflow:
        # says who may not, and which workflows there are
        await service.preview(actor, asked.workflow, None)
        found = tuple(each for each in found if each.workflow == asked.workflow)
    lines = "\n".join(map(words.keeping_line, found))
    return saying(desk, notice(f"{words.HEAD}\n{lines}", el.context(words.how_to())))


async def _ask(call: Call, desk: Desk, actor: Actor, asked: KeepingRequest) -> None:
    # counting what goes can take longer than Slack waits
    change = await desk.past_runs.retention.preview(actor, asked.workflow, asked.days)
    await desk.tell(call, preview_message(change))


def preview_message(change: KeepingChange) -> Outgoing:
    """What would happen, with the button."""
    said = words.preview(change)
    if change.now.days == change.then.days and change.now.is_own == change.then.is_own:
        return notice(said)
    value = json.dumps({"workflow": change.workflow, "days": change.days})
    button = el.button(words.SET, KEEP, value, style="danger" if change.loses else "primary")
    if change.loses:
        button = el.confirming(
            button, title="Delete content?", text=words.sure(change), yes=words.SET, no=words.STAYS
        )
    return notice(said, el.actions(button))


async def keep(call: Call, desk: Desk) -> Reply:
    """Set it."""
    carried = call.json_value()
    workflow, days = carried.get("workflow"), carried.get("days")
    if not isinstance(workflow, str) or not (days is None or (type(days) is int and 0 <= days <= MOST_DAYS)):
        raise UnreadableClick(call.name)
    actor = await desk.people.actor(call.person)
    change = await desk.past_runs.retention.keep(actor, workflow, days)
    return Reply(after=lambda: desk.tell(call, notice(words.was_set(change)), replace=True))


SubCommand = Callable[[Call, Desk, str], Awaitable[Reply]]

RETENTION_SUBCOMMANDS: Mapping[str, SubCommand] = {"retention": retention}
RETENTION_ACTIONS: Mapping[str, Handler] = {KEEP: keep}
