"""The records a town is made of: people, channels and messages, and their JSON as Slack writes it."""

from dataclasses import dataclass, field
from typing import Literal

from bot.workspace.noticeboard import Json

ChannelKind = Literal["channel", "group", "im"]


@dataclass(slots=True)
class User:
    """A person or a bot."""

    id: str
    name: str
    real_name: str
    title: str = ""
    color: str = "4a5568"
    is_admin: bool = False
    is_bot: bool = False
    is_guest: bool = False
    is_deactivated: bool = False
    timezone: str = "Europe/London"
    team_id: str = ""

    def as_slack(self) -> Json:
        """The user object of users.info."""
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.real_name,
            "color": self.color,
            "tz": self.timezone,
            "deleted": self.is_deactivated,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_bot": self.is_bot,
            "is_restricted": self.is_guest,
            "is_ultra_restricted": False,
            "is_app_user": False,
            "profile": {
                "real_name": self.real_name,
                "display_name": self.name,
                "title": self.title,
                "team": self.team_id,
            },
        }


@dataclass(slots=True)
class UserGroup:
    """People under one handle, such as @leads."""

    id: str
    handle: str
    name: str
    members: list[str] = field(default_factory=list)
    description: str = ""

    def as_slack(self, team_id: str, *, with_users: bool) -> Json:
        """The usergroup object of usergroups.list."""
        made: Json = {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "is_external": False,
            "name": self.name,
            "description": self.description,
            "handle": self.handle,
            "auto_type": None,
            "date_delete": 0,
            "user_count": len(self.members),
        }
        return {**made, "users": list(self.members)} if with_users else made


@dataclass(slots=True)
class Message:
    """One message, or one ephemeral message, of a channel."""

    ts: str
    channel: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str = ""
    bot_id: str = ""
    app_id: str = ""
    subtype: str = ""
    metadata: Json | None = None
    """Answered only to those who ask for it."""
    edited: Json | None = None
    files: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    client_msg_id: str = ""
    only_for: str = ""
    """The one person who sees it, for an ephemeral message."""
    is_streaming: bool = False
    is_broadcast: bool = False
    """A reply that is shown in the channel too."""
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None

    @property
    def is_ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return self.only_for != ""

    @property
    def is_reply(self) -> bool:
        """Whether it stands in another message's thread."""
        return self.thread_ts not in ("", self.ts)

    def as_slack(self, *, with_metadata: bool = False) -> Json:
        """The message object, without what follows from its replies."""
        optional = {
            "subtype": self.subtype,
            "bot_id": self.bot_id,
            "app_id": self.app_id,
            "client_msg_id": self.client_msg_id,
            "thread_ts": self.thread_ts,
            "edited": self.edited,
            "files": self.files,
            "blocks": self.blocks,
            "metadata": self.metadata if with_metadata else None,
            "reactions": [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ],
        }
        body: Json = {"type": "message", "ts": self.ts, "user": self.user, "text": self.text}
        return body | {key: value for key, value in optional.items() if value}


@dataclass(slots=True)
class Channel:
    """A public channel, a private one, or the direct messages of two people."""

    id: str
    name: str
    kind: ChannelKind = "channel"
    topic: str = ""
    members: list[str] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    ephemerals: dict[str, Message] = field(default_factory=dict)
    replies: dict[str, dict[str, Message]] = field(default_factory=dict)
    """By the timestamp of their root."""
    is_archived: bool = False

    @property
    def is_private(self) -> bool:
        """Whether only members know of it."""
        return self.kind != "channel"

    @property
    def type_name(self) -> str:
        """The `channel_type` of Slack's events."""
        return self.kind

    def as_slack(self, *, seen_by: str) -> Json:
        """The conversation object of conversations.info."""
        body: Json = {
            "id": self.id,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": self.kind == "im",
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_member": seen_by in self.members,
            "num_members": len(self.members),
        }
        if self.kind == "im":
            return body | {"user": next((one for one in self.members if one != seen_by), seen_by)}
        return body | {"name": self.name, "topic": {"value": self.topic}, "purpose": {"value": self.topic}}
