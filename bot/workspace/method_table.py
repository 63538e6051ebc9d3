"""Which scopes, which token and which rate each Web API method has, after docs.slack.dev."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.workspace.town_records import ChannelKind

TIER_2, TIER_3, TIER_4 = 20, 50, 100
"""Calls a minute, of one method. Tier 1 allows bursts that only Slack knows, and is counted as tier 2."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a call needs. One of the scopes is enough; none listed means none needed."""

    scopes: tuple[str, ...] = ()
    calls_a_minute: int | None = None
    """None where the method has a limit of its own kind (posting) or none."""
    caller: Literal["bot", "app", "config", "anyone"] = "bot"
    """Whose token it takes."""
    is_posting: bool = False
    """Counts towards one message a second and channel."""


WRITE = ("chat:write",)

RULES: Mapping[str, Rule] = {
    "api.test": Rule(caller="anyone", calls_a_minute=TIER_4),
    "apps.connections.open": Rule(caller="app", calls_a_minute=TIER_2),
    "apps.manifest.update": Rule(caller="config", calls_a_minute=TIER_2),
    "assistant.threads.setStatus": Rule(WRITE),
    "auth.test": Rule(),
    "blocks.validate": Rule(caller="anyone"),
    "bots.info": Rule(("users:read",), TIER_3),
    "chat.appendStream": Rule(WRITE, TIER_4),
    "chat.delete": Rule(WRITE, TIER_3),
    "chat.getPermalink": Rule(),
    "chat.postEphemeral": Rule(WRITE, TIER_4),
    "chat.postMessage": Rule(WRITE, is_posting=True),
    "chat.startStream": Rule(WRITE, TIER_2),
    "chat.stopStream": Rule(WRITE, TIER_2),
    "chat.update": Rule(WRITE, TIER_3),
    "conversations.history": Rule(calls_a_minute=TIER_3),
    "conversations.info": Rule(calls_a_minute=TIER_3),
    "conversations.list": Rule(("channels:read", "groups:read", "im:read", "mpim:read"), TIER_2),
    "conversations.members": Rule(calls_a_minute=TIER_4),
    "conversations.open": Rule(("im:write",), TIER_3),
    "conversations.replies": Rule(calls_a_minute=TIER_3),
    "files.completeUploadExternal": Rule(("files:write",), TIER_4),
    "files.getUploadURLExternal": Rule(("files:write",), TIER_4),
    "files.info": Rule(("files:read",), TIER_4),
    "reactions.add": Rule(("reactions:write",), TIER_3),
    "team.info": Rule(("team:read",), TIER_3),
    "usergroups.list": Rule(("usergroups:read",), TIER_2),
    "usergroups.users.list": Rule(("usergroups:read",), TIER_2),
    "users.info": Rule(("users:read",), TIER_4),
    "users.list": Rule(("users:read",), TIER_2),
    "views.open": Rule(calls_a_minute=TIER_4),
    "views.publish": Rule(calls_a_minute=TIER_4),
    "views.push": Rule(calls_a_minute=TIER_4),
    "views.update": Rule(calls_a_minute=TIER_4),
}
"""The scope of conversations.info, members, history and replies depends on the channel: `kind_scope`."""

PREFIXES: Mapping[ChannelKind, str] = {"channel": "channels", "group": "groups", "im": "im"}


def kind_scope(kind: ChannelKind, verb: Literal["history", "read"]) -> str:
    """The scope for reading a channel of this kind, such as groups:history."""
    return f"{PREFIXES[kind]}:{verb}"
