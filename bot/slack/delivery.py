"""The courier's voice in Slack: posts a run's one message, redraws it as the run goes on, finds it again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from bot.services.outbox_items import OutboxItem, Posted, SendAmbiguous, SendLater, SendRefused
from bot.services.run_views import RunView
from bot.services.undelivered import UNDELIVERED
from bot.slack.elements import Outgoing, is_person
from bot.slack.gateway import Gateway, Placed, SlackBusy, SlackRefused, SlackUncertain
from bot.slack.identities import People
from bot.slack.letters import letter
from bot.slack.pictures import NOT_READY, shown_in_time, without_pictures
from bot.slack.undelivered_text import TOKEN_REFUSED
from workflows.ports import Clock

log = structlog.get_logger(__name__)
T = TypeVar("T")

NOT_THERE = frozenset(
    {
        "not_in_channel",
        "channel_not_found",
        "is_archived",
        "restricted_action",
        "no_permission",
        "user_not_found",
    }
)
"""Refusals that concern the place and not the message: the asker gets it in their direct messages instead."""

TOKEN_S = 60.0
"""Between two attempts to tell an owner while Slack does not take the app's token."""

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"})
"""The message was deleted or its place is gone: there is nothing left to draw."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A Sender, as the courier knows it."""

    gateway: Gateway
    people: People
    clock: Clock

    async def post(self, item: OutboxItem) -> Posted:
        """Post a new message. Raises SendAmbiguous, SendLater, SendRefused."""
        try:
            placed = await self._post_somewhere(item)
        except (SlackBusy, SlackUncertain, SlackRefused) as error:
            if item.kind == UNDELIVERED and isinstance(error, SlackRefused) and error.reason in TOKEN_REFUSED:
                # what tells of it waits until Slack hears us again
                raise SendLater(TOKEN_S) from error
            raise _as_send_error(error) from error
        return Posted(placed.channel, placed.ts)

    async def update(self, item: OutboxItem) -> None:
        """Draw a posted message again. A step on the way is left out when Slack's limit is near."""
        is_underway = item.run is not None and item.run.finished_at is None
        if is_underway and not self.gateway.has_room_to_update():
            return
        message = await self._message(item)
        try:
            await _with_pictures(
                message,
                lambda shown: self.gateway.update(item.posted_channel, item.ts, shown, by=item.send_by),
            )
        except SlackRefused as error:
            if error.reason not in GONE:
                raise _as_send_error(error) from error
            log.info("message.gone", outbox=item.id, reason=error.reason)
        except (SlackBusy, SlackUncertain) as error:
            raise _as_send_error(error) from error

    async def find(self, item: OutboxItem) -> Posted | None:
        """The message as an earlier attempt posted it: where it was meant, or with the person who asked."""
        try:
            for channel, thread_ts in await self._places(item):
                try:
                    placed = await self.gateway.find_posted(channel, item.id, item.first_sent_at, thread_ts)
                except SlackRefused as error:
                    if error.reason not in NOT_THERE | {"thread_not_found"}:
                        raise
                    continue
                if placed is not None:
                    return Posted(placed.channel, placed.ts)
        except (SlackBusy, SlackUncertain, SlackRefused) as error:
            raise _as_send_error(error) from error
        return None

    async def _post_somewhere(self, item: OutboxItem) -> Placed:
        channel = await self._channel(item.channel)
        try:
            return await self._posted(channel, item, item.thread_ts)
        except SlackRefused as error:
            person = _person(item)
            if error.reason not in NOT_THERE or not person:
                raise
            log.info("message.moved", outbox=item.id, channel=item.channel, reason=error.reason)
            direct = await self.gateway.direct_channel(person)
            if direct == channel:
                raise
            return await self._posted(direct, replace(item, posted_channel=direct), "")

    async def _posted(self, channel: str, item: OutboxItem, thread_ts: str) -> Placed:
        message = await self._message(item)

        async def show(shown: Outgoing) -> Placed:
            return await self.gateway.post(
                channel, shown, thread_ts=thread_ts, outbox_id=item.id, by=item.send_by
            )

        return await _with_pictures(message, show)

    async def _channel(self, channel: str) -> str:
        return await self.gateway.direct_channel(channel) if is_person(channel) else channel

    async def _places(self, item: OutboxItem) -> list[tuple[str, str]]:
        places = [(await self._channel(item.channel), item.thread_ts)]
        if _person(item):
            direct = await self.gateway.direct_channel(_person(item))
            if direct != places[0][0]:
                places.append((direct, ""))
        return places

    async def _message(self, item: OutboxItem) -> Outgoing:
        names = await self.people.names(_named(item))
        return letter(item, self.clock.now(), names)


async def _with_pictures(message: Outgoing, show: Callable[[Outgoing], Awaitable[T]]) -> T:
    """Show a message, again while Slack still takes its pictures in; at last with their words instead."""
    if without_pictures(message) is message:
        return await show(message)
    try:
        return await shown_in_time(lambda: show(message))
    except SlackRefused as error:
        if error.reason not in NOT_READY:
            raise
        log.warning("message.without_pictures", reason=error.reason)
        return await show(without_pictures(message))


def _person(item: OutboxItem) -> str:
    """Who gets the message where its place is closed to us."""
    return item.run.actor.id if item.run is not None else str(item.body.get("person", ""))


def _named(item: OutboxItem) -> set[str]:
    """Whose names the message says: owners of sources, who did something, user groups of a pilot."""
    if item.run is not None:
        return _owners(item.run)
    people = {str(item.body[key]) for key in ("by", "author") if is_person(str(item.body.get(key, "")))}
    return people | set(getattr(item.about, "groups", ()))


def _owners(run: RunView) -> set[str]:
    return {citation.passage.owner for citation in run.answer.citations} if run.answer else set()


def _as_send_error(error: Exception) -> Exception:
    if isinstance(error, SlackBusy):
        return SendLater(error.after_s, is_channel=error.is_channel)
    if isinstance(error, SlackRefused):
        return SendRefused(error.reason)
    return SendAmbiguous()
