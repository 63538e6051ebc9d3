"""The town: people, channels and messages in memory. Knows nothing of HTTP, of the app or of its rules."""

from collections.abc import Iterable
from itertools import count

from bot.workspace.clockwork import Clock, SystemClock
from bot.workspace.noticeboard import Json, Notice, Noticeboard
from bot.workspace.town_records import Channel, Message, User, UserGroup


class Town:
    """Holds everything said, and puts every change on the noticeboard."""

    def __init__(
        self,
        *,
        team_id: str,
        team_name: str,
        users: Iterable[User],
        channels: Iterable[Channel],
        usergroups: Iterable[UserGroup] = (),
    ) -> None:
        self.team_id = team_id
        self.team_name = team_name
        self.users = {user.id: user for user in users}
        self.channels = {channel.id: channel for channel in channels}
        self.usergroups = {group.id: group for group in usergroups}
        self.noticeboard = Noticeboard()
        self.clock: Clock = SystemClock()
        self._last_tick = 0
        self._numbers = count(1)
        self._read_until: dict[tuple[str, str], str] = {}
        for user in self.users.values():
            user.team_id = team_id

    def next_ts(self) -> str:
        """A timestamp that no message has had, in order of asking."""
        self._last_tick = max(self._last_tick + 1, int(self.clock.now() * 1_000_000))
        return f"{self._last_tick // 1_000_000}.{self._last_tick % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        """An id of this town, such as F0000001."""
        return f"{prefix}{next(self._numbers):07d}"

    def channel_named(self, name: str) -> Channel | None:
        """The channel with this id or name (with or without #)."""
        if name in self.channels:
            return self.channels[name]
        plain = name.removeprefix("#")
        return next((one for one in self.channels.values() if one.kind != "im" and one.name == plain), None)

    def direct(self, one: str, other: str) -> Channel:
        """The direct messages of two people; the same channel every time."""
        pair = sorted((one, other))
        channel_id = "D0" + "".join(user.removeprefix("U0") for user in pair)
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(channel_id, "directmessage", "im", members=pair)
            for person in pair:
                self.noticeboard.publish(Notice("channels", channel_id, person))
        return self.channels[channel_id]

    def join(self, channel_id: str, user: str) -> None:
        """Make someone a member."""
        channel = self.channels[channel_id]
        if user not in channel.members:
            channel.members.append(user)
            self.noticeboard.publish(Notice("joined", channel_id, subject=user))

    def messages(self, channel_id: str, thread_ts: str = "") -> list[Message]:
        """What was said in a channel, or in one of its threads (root first), ephemerals apart."""
        channel = self.channels.get(channel_id)
        if channel is None:
            return []
        if not thread_ts:
            return list(channel.messages.values())
        root = channel.messages.get(thread_ts)
        return [*([root] if root else []), *channel.replies.get(thread_ts, {}).values()]

    def ephemerals(self, channel_id: str, user: str) -> list[Message]:
        """What only this person sees in a channel."""
        every = self.channels[channel_id].ephemerals.values() if channel_id in self.channels else ()
        return [one for one in every if one.only_for == user]

    def find(self, channel_id: str, ts: str) -> Message | None:
        """The message (never an ephemeral one) at a timestamp."""
        channel = self.channels.get(channel_id)
        return channel.messages.get(ts) if channel else None

    def find_ephemeral(self, channel_id: str, ts: str) -> Message | None:
        """The ephemeral message at a timestamp."""
        channel = self.channels.get(channel_id)
        return channel.ephemerals.get(ts) if channel else None

    def say(self, message: Message) -> Message:
        """Add a message; an empty ts is filled in."""
        message.ts = message.ts or self.next_ts()
        root = self.find(message.channel, message.thread_ts)
        if root is not None and not root.thread_ts:
            root.thread_ts = root.ts
        channel = self.channels[message.channel]
        (channel.ephemerals if message.is_ephemeral else channel.messages)[message.ts] = message
        if message.is_reply and not message.is_ephemeral:
            channel.replies.setdefault(message.thread_ts, {})[message.ts] = message
        self.noticeboard.publish(Notice("message", message.channel, message.only_for, message))
        return message

    def edit(self, message: Message, *, mark: bool = True, **changes: object) -> None:
        """Change fields of a message; `mark` notes who edited and when."""
        before = self.as_slack(message)
        for name, value in changes.items():
            setattr(message, name, value)
        if mark:
            message.edited = {"user": message.user, "ts": self.next_ts()}
        self.noticeboard.publish(
            Notice("message_changed", message.channel, message.only_for, message, before=before)
        )

    def remove(self, message: Message) -> None:
        """Delete a message, or an ephemeral one."""
        channel = self.channels[message.channel]
        before = self.as_slack(message)
        (channel.ephemerals if message.is_ephemeral else channel.messages).pop(message.ts, None)
        channel.replies.get(message.thread_ts, {}).pop(message.ts, None)
        self.noticeboard.publish(
            Notice("message_deleted", message.channel, message.only_for, message, before=before)
        )

    def react(self, message: Message, name: str, user: str) -> bool:
        """Add a reaction; False when this person already has."""
        people = message.reactions.setdefault(name, [])
        if user in people:
            return False
        people.append(user)
        self.noticeboard.publish(Notice("reaction", message.channel, subject=message, before=(name, user)))
        return True

    def as_slack(self, message: Message, *, with_metadata: bool = False) -> Json:
        """The message object with the counts of its thread."""
        body = message.as_slack(with_metadata=with_metadata)
        replies = list(self.channels[message.channel].replies.get(message.ts, {}).values())
        if replies:
            writers = list(dict.fromkeys(one.user for one in replies))
            body |= {"reply_count": len(replies), "reply_users": writers, "latest_reply": replies[-1].ts}
            body["reply_users_count"] = len(writers)
        if message.is_reply and (root := self.find(message.channel, message.thread_ts)):
            body["parent_user_id"] = root.user
        return body

    def mark_read(self, person: str, channel_id: str) -> None:
        """This person has seen everything in the channel."""
        self._read_until[person, channel_id] = self.next_ts()

    def unread(self, person: str, channel_id: str) -> int:
        """Top-level messages of others since the person last looked."""
        since = self._read_until.get((person, channel_id), "0")
        return sum(
            one.ts > since and one.user != person and not one.is_reply for one in self.messages(channel_id)
        )
