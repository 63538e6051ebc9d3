"""The button of an alert."""

from collections.abc import Mapping

from bot.slack import alert_text as words
from bot.slack.alert_blocks import TAKE
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.payloads import Call


async def take(call: Call, desk: Desk) -> Reply:
    """Somebody sees to it."""
    actor = await desk.people.actor(call.person)
    record = await desk.alerting.take(actor, call.value)
    return Reply(after=lambda: desk.tell(call, notice(words.you_took(record.standing))))


ALERT_ACTIONS: Mapping[str, Handler] = {TAKE: take}
