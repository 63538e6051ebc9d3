"""Files that people asked for, into their direct messages with us."""

from bot.slack.blocks import notice
from bot.slack.desk import Desk
from bot.slack.file_exchange import put_text
from bot.slack.gateway import SlackRefused
from bot.slack.payloads import Call

COMES = "The file comes in your direct messages with me in a moment. That you took it is on record."


async def hand_over(call: Call, desk: Desk, *, name: str, content: str, said: str, no_upload: str) -> None:
    """Upload a file for whoever asked, and say so there and here; `no_upload` where Slack does not let us.

    Raises SlackBusy, SlackUncertain, SlackRefused.
    """
    channel = await desk.gateway.direct_channel(call.person)
    try:
        await put_text(desk.gateway, channel, "", name=name, content=content)
    except SlackRefused as error:
        if error.reason != "missing_scope":
            raise
        await desk.tell(call, notice(no_upload))
        return
    await desk.gateway.post(channel, notice(said))
    if channel != call.channel:
        await desk.tell(call, notice(COMES))
