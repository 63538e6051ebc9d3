"""Who a Slack user is to us, and who reads a channel. Slack is asked at most every five minutes."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.quality.readiness import Holder
from bot.services.actors import Actor
from bot.services.readers import Audience
from bot.slack.elements import is_person
from bot.slack.gateway import Gateway, SlackBusy, SlackRefused, SlackUncertain
from workflows.ports import Clock

log = structlog.get_logger(__name__)

FRESH = timedelta(minutes=5)
DEADLINE_S = 2.0
"""Slack waits 3 seconds for our answer; what it does not tell us in two, we do without."""
READERS = 1000
"""A private channel with more members is treated as read by everyone."""

NOBODY = frozenset({"user_not_found", "user_not_visible"})
"""Slack's words for a person whom asking again will not find."""

_SLACK_FAILED = (SlackBusy, SlackRefused, SlackUncertain, TimeoutError)


class PersonUnknown(Exception):
    """Slack did not say in time who this is."""

    def __init__(self, person: str) -> None:
        super().__init__(person)
        self.facts = {"person": person}


@dataclass(slots=True)
class _Kept:
    value: Any
    until: datetime


@dataclass(frozen=True, slots=True)
class _Channel:
    """What Slack tells of a channel."""

    is_joined: bool | None = None
    """Whether we are a member; None where Slack does not tell."""
    readers: tuple[str, ...] = ()


@dataclass(slots=True)
class People:
    """Reads users, user groups and channel members through the gateway."""

    gateway: Gateway
    clock: Clock
    home_team: str = ""
    """The workspace whose members may use us; learned from Slack when empty."""
    myself: str = ""
    """Our own user: a member of each channel that we are in, and no reader of it."""
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _handles: dict[str, str] = field(default_factory=dict)
    _asking: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    async def actor(self, person: str) -> Actor:
        """The person as an actor; guests, bots, deleted, foreign, unknown flagged. Raises PersonUnknown."""
        if not is_person(person):
            raise PersonUnknown(person)
        try:
            async with asyncio.timeout(DEADLINE_S):
                user, groups = await asyncio.gather(self._user(person), self._groups())
        except _SLACK_FAILED as error:
            raise PersonUnknown(person) from error
        team = user.get("team_id", "")
        return Actor(
            id=person,
            name=_name(user),
            team_id=team,
            groups=_groups_of(groups, person),
            is_outsider=self._is_foreign(user),
        )

    async def zone(self, person: str) -> str:
        """The IANA time zone that Slack has of a person; UTC when it has none. Raises PersonUnknown."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                return str((await self._user(person)).get("tz") or "UTC")
        except _SLACK_FAILED as error:
            raise PersonUnknown(person) from error

    async def names(self, people: Iterable[str]) -> dict[str, str]:
        """Names of people and handles of user groups as far as Slack tells them; the others are left out."""
        found = {}
        for person in set(people):
            if person.startswith("S"):
                found.update(await self._handle(person))
            elif is_person(person):
                try:
                    async with asyncio.timeout(DEADLINE_S):
                        user = await self._user(person)
                except _SLACK_FAILED:
                    continue
                if user:
                    found[person] = _name(user)
        return found

    async def holders(self, grantees: Iterable[str]) -> tuple[Holder, ...]:
        """People as they are today, groups as their members; who is unknown to Slack is not active.

        Raises PersonUnknown when Slack does not answer in time.
        """
        found: dict[tuple[str, str], Holder] = {}
        for grantee in grantees:
            for person, group in await self._held_by(grantee):
                try:
                    async with asyncio.timeout(DEADLINE_S):
                        user = await self._user(person)
                except SlackRefused:
                    user = {}
                except _SLACK_FAILED as error:
                    raise PersonUnknown(person) from error
                found[person, group] = Holder(person, not self._is_foreign(user), group)
        return tuple(found.values())

    async def _held_by(self, grantee: str) -> list[tuple[str, str]]:
        if is_person(grantee):
            return [(grantee, "")]
        groups = await self._groups()
        return [(person, grantee) for person in sorted(groups.get(grantee, ()))]

    def _is_foreign(self, user: Mapping[str, Any]) -> bool:
        team = user.get("team_id", "")
        return _is_outside(user) or bool(self.home_team and team and team != self.home_team)

    async def _handle(self, group: str) -> dict[str, str]:
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._groups()
        except _SLACK_FAILED:
            return {}
        handle = self._handles.get(group, "")
        return {group: f"@{handle}"} if handle else {}

    async def readers(self, channel: str, person: str) -> tuple[str, ...]:
        """Who reads a channel; empty means everyone, which is also said when Slack does not tell.

        Public channels are open to the whole workspace whoever has joined them; a channel shared with
        another organisation counts as public.
        """
        if channel.startswith("D"):
            return (person,)
        kept = self._kept.get(f"channel:{channel}")
        if kept is not None and kept.value.is_joined is False:
            # we may have been invited since
            del self._kept[f"channel:{channel}"]
        return (await self._channel(channel)).readers

    async def is_joined(self, channel: str) -> bool | None:
        """Whether we are in a channel and so may post there; None where Slack does not tell.

        Known without a question where the readers were just asked for.
        """
        return (await self._channel(channel)).is_joined

    async def _channel(self, channel: str) -> _Channel:
        told: _Channel = await self._once(f"channel:{channel}", lambda: self._ask_channel(channel))
        return told

    async def audience(self, channel: str) -> Audience:
        """All who read a channel, with their groups; of one that Slack tells nothing of, everybody."""
        readers = await self.readers(channel, "")
        try:
            async with asyncio.timeout(DEADLINE_S):
                groups = await self._groups()
        except _SLACK_FAILED:
            groups = {}
        each = (frozenset({person, *_groups_of(groups, person)}) for person in readers)
        return Audience(tuple(each) or None)

    async def _ask_channel(self, channel: str) -> _Channel:
        try:
            async with asyncio.timeout(DEADLINE_S):
                info = (await self.gateway.call("conversations_info", channel=channel)).get("channel") or {}
                joined = bool(info.get("is_member", True))
                if not (info.get("is_private") or info.get("is_mpim")) or info.get("is_ext_shared"):
                    return _Channel(joined)
                answer = await self.gateway.call("conversations_members", channel=channel, limit=READERS)
        except _SLACK_FAILED as error:
            log.debug("readers.unknown", channel=channel, error=type(error).__name__)
            # a private channel does not exist for those who are not in it
            is_hidden = isinstance(error, SlackRefused) and error.reason == "channel_not_found"
            return _Channel(False if is_hidden else None)
        if (answer.get("response_metadata") or {}).get("next_cursor"):
            return _Channel(joined)
        members = (each for each in answer.get("members") or () if each != self.myself)
        return _Channel(joined, tuple(sorted(members)))

    async def _user(self, person: str) -> Mapping[str, Any]:
        user: Mapping[str, Any] = await self._once(f"user:{person}", lambda: self._ask_user(person))
        return user

    async def _ask_user(self, person: str) -> Mapping[str, Any]:
        """What Slack says of somebody; nothing of one whom it does not know, or not to us."""
        try:
            return (await self.gateway.call("users_info", user=person)).get("user") or {}
        except SlackRefused as error:
            if error.reason not in NOBODY:
                raise
            return {}

    async def _groups(self) -> Mapping[str, frozenset[str]]:
        groups: Mapping[str, frozenset[str]] = await self._once("groups", self._ask_groups)
        return groups

    async def _ask_groups(self) -> dict[str, frozenset[str]]:
        """User groups are optional: without their scope, roles are given to people only."""
        try:
            answer = await self.gateway.call("usergroups_list", include_users=True)
        except (SlackBusy, SlackRefused, SlackUncertain) as error:
            log.debug("groups.unknown", **getattr(error, "facts", {}))
            return {}
        self._handles = {
            group["id"]: str(group.get("handle") or "") for group in answer.get("usergroups") or ()
        }
        return {group["id"]: frozenset(group.get("users") or ()) for group in answer.get("usergroups") or ()}

    async def _once(self, key: str, ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """What is known and fresh, else the answer to one question that all who wait for it share."""
        kept = self._kept.get(key)
        if kept is not None and kept.until > self.clock.now():
            return kept.value
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(key, ask))
            task.add_done_callback(lambda done: self._asked(key, done))
        # who gives up waiting must not take the answer from the others
        return await asyncio.shield(task)

    async def _ask(self, key: str, ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        value = await ask()
        self._kept[key] = _Kept(value, self.clock.now() + FRESH)
        return value

    def _asked(self, key: str, task: asyncio.Task[Any]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            # everybody may have given up: the error is then nobody's
            task.exception()


def _groups_of(groups: Mapping[str, frozenset[str]], person: str) -> frozenset[str]:
    return frozenset(group for group, members in groups.items() if person in members)


def _is_outside(user: Mapping[str, Any]) -> bool:
    flags = ("is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "deleted")
    return not user or any(user.get(flag) for flag in flags)


def _name(user: Mapping[str, Any]) -> str:
    profile = user.get("profile") or {}
    return str(user.get("real_name") or profile.get("display_name") or user.get("name") or "")
