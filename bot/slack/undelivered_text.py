"""What an owner reads when a message of theirs could not be posted."""

from collections.abc import Mapping
from typing import Any

from bot.slack.elements import escape, is_person, mention, one_line

TOKEN_REFUSED = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "ekm_access_denied"}
)
"""Refusals of whatever we say, until the app's token is renewed."""

_SHAPE = "Slack found it too long or did not take its form. The log line `outbox.refused` names it"
_NOT_HEARD = "Slack did not take the app's token. Install the app again, or renew `SLACK_BOT_TOKEN`"
_WHY = {
    "is_archived": "the channel is archived. Unarchive it, or have this posted elsewhere",
    "not_in_channel": "I am not in that channel. Invite me with `/invite`",
    "channel_not_found": "I cannot see that channel. Invite me, or have this posted elsewhere",
    "user_not_found": "Slack does not know that person any more",
    "cannot_dm_bot": "Slack takes no direct message for that account",
    "msg_too_long": _SHAPE,
    "msg_blocks_too_long": _SHAPE,
    "invalid_blocks": _SHAPE,
    "internal": "it could not be drawn. The log line `outbox.blunder` says why",
    "unclear": "Slack answered every attempt of a day with an error of its own. Look whether it is there",
    **dict.fromkeys(TOKEN_REFUSED, _NOT_HEARD),
}


def undelivered(facts: Mapping[str, Any]) -> str:
    """What was not posted, where, why, and where the answer is."""
    title, channel, run = (str(facts.get(name) or "") for name in ("title", "channel", "run"))
    reason = str(facts.get("reason") or "")
    what = f"A message of *{escape(title)}*" if title else "A message"
    where = f"to {mention(channel)}" if is_person(channel) else f"in <#{escape(channel)}>"
    why = _WHY.get(reason, f"Slack says `{one_line(reason, 60)}`")
    kept = f" Nothing is lost: `/spanwise status {escape(run)}` shows the run." if run else ""
    return (
        f":warning: {what} could not be posted {where}: {why}.{kept} "
        "Today I tell you once of this place and reason."
    )
