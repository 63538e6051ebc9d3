"""What handlers give back: a form opened, closed or marked with what is wrong, and a word to one person."""

from collections.abc import Awaitable, Callable, Mapping

from bot.slack.blocks import notice
from bot.slack.elements import Outgoing
from bot.slack.front_desk import FrontDesk, Reply
from bot.slack.gateway import SlackRefused
from bot.slack.payloads import Call
from bot.slack.richtext import Block

TOO_LATE = frozenset({"expired_trigger_id", "exchanged_trigger_id", "trigger_expired", "trigger_exchanged"})
"""Slack's reasons when a form comes later than three seconds after the click."""


def opening(call: Call, desk: FrontDesk, form: Block, late: str) -> Reply:
    """Open a form once Slack has the acknowledgement; say `late` to the person when that was too late."""
    return Reply(after=lambda: open_form(call, desk, form, notice(late)))


async def open_form(call: Call, desk: FrontDesk, form: Block, late: Outgoing, *, over: bool = False) -> None:
    """Open a form, or `over` the one that is open; say `late` to the person when that was too late."""
    try:
        if over:
            await desk.gateway.push_view(call.trigger_id, form)
        else:
            await desk.gateway.open_view(call.trigger_id, form)
    except SlackRefused as error:
        if error.reason not in TOO_LATE:
            raise
        await desk.tell(call, late)


def marked(problems: Mapping[str, str]) -> Reply:
    """The form stays, with what is wrong under each field."""
    return Reply(ack={"response_action": "errors", "errors": dict(problems)})


def closing(after: Callable[[], Awaitable[None]] | None = None) -> Reply:
    """Every form closes."""
    return Reply(ack={"response_action": "clear"}, after=after)


def closing_with(call: Call, desk: FrontDesk, message: Outgoing) -> Reply:
    """Every form closes, and the person is told."""
    return closing(lambda: desk.tell(call, message))


def saying(desk: FrontDesk, message: Outgoing) -> Reply:
    """Answer a command in its own acknowledgement."""
    return Reply(ack=desk.gateway.sealed_ack(message))


def telling(call: Call, desk: FrontDesk, said: str) -> Reply:
    """Tell the person once Slack has the acknowledgement."""
    return Reply(after=lambda: desk.tell(call, notice(said)))
