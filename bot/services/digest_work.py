"""The loop that makes digests, one at a time under a lease, and keeps up with who shall get one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp, ringing_on
from bot.adapters.store import digests_log, outbox_log, questions_log
from bot.adapters.store.database import Store
from bot.adapters.store.digests_log import FAILED, SKIPPED, HeldDigest, Subscription
from bot.quality.chart_data import ChartData
from bot.quality.digest import Chart
from bot.quality.digest_slots import Schedule
from bot.quality.readiness import Holder
from bot.services import opaque_ids
from bot.services.actors import Actor
from bot.services.complaints import is_person
from bot.services.digest_making import DigestMaker, Made, packed_charts
from bot.services.digesting import Digests, is_channel
from bot.services.readers import Audience
from workflows.ports import Clock

log = structlog.get_logger(__name__)

TROUBLE = "digest-trouble"
"""Kind of the outbox message to whoever a digest was due to."""


class Neighbours(Protocol):
    """People as Slack knows them."""

    async def actor(self, person: str) -> Actor:
        """The person, with their groups."""
        ...

    async def holders(self, grantees: Iterable[str]) -> tuple[Holder, ...]:
        """People as they are, groups as their members."""
        ...

    async def audience(self, channel: str) -> Audience:
        """All who read a channel."""
        ...

    async def zone(self, person: str) -> str:
        """The IANA time zone of the person."""
        ...


Hang = Callable[[Sequence[ChartData]], Awaitable[tuple[Chart, ...]]]
"""Draws charts and gives them to Slack; those that could not be are left out."""


async def hang_none(charts: Sequence[ChartData]) -> tuple[Chart, ...]:
    """Without pictures."""
    return packed_charts(charts)


@dataclass(frozen=True, slots=True)
class DigestPace:
    """How the loop works."""

    look_s: float = 5.0
    lease_s: float = 180.0
    again_s: float = 60.0
    """Until the next try after one that failed, longer each time."""
    tries: int = 5
    questions_s: float = 60.0
    """At most, for questions that have no vector yet."""
    idle_s: float = 7.0
    """Of that, while none gets one."""
    roll_call_s: float = 1800.0
    """Between two looks at who owns workflows and where they are."""


@dataclass(slots=True)
class DigestWork:
    """Part of a worker process. Any number of them may run."""

    store: Store
    digests: Digests
    maker: DigestMaker
    clock: Clock
    outgoing: WakeUp
    refresh: Callable[[], Awaitable[object]]
    """Brings the sums that digests add up to date."""
    pace: DigestPace = field(default_factory=DigestPace)
    _called_at: datetime | None = None

    async def run_until(self, stop: asyncio.Event, people: Neighbours, hang: Hang = hang_none) -> None:
        """Make what is due until `stop` is set."""
        async with ringing_on(stop, self.digests.bell.ring):
            while not stop.is_set():
                try:
                    await self.call_roll(people)
                    busy = await self._next(people, hang)
                except Exception:
                    log.exception("digests.look_failed")
                    busy = False
                if not busy:
                    await self.digests.bell.wait(self.pace.look_s)

    async def drain(self, people: Neighbours, hang: Hang = hang_none) -> None:
        """Make what is due now."""
        while await self._next(people, hang):
            pass

    async def call_roll(self, people: Neighbours) -> None:
        """Learn who owns workflows and where they are, when it is time to."""
        now = self.clock.now()
        if self._called_at is not None and (now - self._called_at).total_seconds() < self.pace.roll_call_s:
            return
        # asked again soon when Slack does not answer
        self._called_at = now - timedelta(seconds=self.pace.roll_call_s - self.pace.again_s)
        holders = await people.holders(await self.digests.owners())
        active = {each.person for each in holders if each.is_active and is_person(each.person)}
        await self.digests.take_owners({person: await people.zone(person) for person in sorted(active)})
        self._called_at = now

    async def _next(self, people: Neighbours, hang: Hang) -> bool:
        lease_s, now = self.pace.lease_s, self.clock.now()
        held = await self.store.write(
            lambda connection: digests_log.claim_digest(connection, lease_s=lease_s, at=now)
        )
        if held is None:
            return False
        try:
            await self._make(held, people, hang)
        except Exception as error:
            await self._fail(held, error)
        self.outgoing.ring()
        return True

    async def _make(self, held: HeldDigest, people: Neighbours, hang: Hang) -> None:
        kept = await self._subscription(held, people)
        reader = await people.actor(kept.set_by or kept.recipient)
        workflows: tuple[str, ...] = ()
        if not reader.is_outsider:
            workflows = await self.store.read(
                lambda connection: self.digests.visible(connection, reader, kept.workflows)
            )
        if not workflows:
            await self._skip(held, kept)
            return
        await self.refresh()
        await self._questions_taken_up(held, kept.schedule.info)
        if is_channel(kept.recipient):
            audience = await people.audience(kept.recipient)
        else:
            audience = Audience.of_one(reader)
        made: Made = await self.maker.make(held, kept, audience, workflows)
        charts = await hang(made.charts) if made.digest.total.now.runs else ()
        if await self.maker.post(held, made, charts):
            log.info("digest.posted", key=held.key, runs=made.digest.total.now.runs, charts=len(charts))

    async def _questions_taken_up(self, held: HeldDigest, zone: ZoneInfo) -> None:
        """Wait while questions of the week still get their vectors, as after a start; not for ever."""
        since, until = held.week.starts(zone), held.week.ends(zone)
        before, idle_s, waited_s = -1, 0.0, 0.0
        while waited_s < self.pace.questions_s and idle_s < self.pace.idle_s:
            left = await self.store.read(lambda connection: questions_log.count_new(connection, since, until))
            if not left:
                return
            idle_s = idle_s + 1.0 if left == before else 0.0
            before, waited_s = left, waited_s + 1.0
            await asyncio.sleep(1.0)

    async def _subscription(self, held: HeldDigest, people: Neighbours) -> Subscription:
        """What was set, for a preview made for whoever asked; else the usual hour where the person is."""
        place = held.place or held.recipient
        kept = await self.store.read(lambda connection: digests_log.find_subscription(connection, place))
        if kept is None:
            kept = Subscription(held.recipient, Schedule(zone=await people.zone(held.recipient)))
        return replace(kept, set_by=held.recipient) if held.is_preview else kept

    async def _skip(self, held: HeldDigest, kept: Subscription) -> None:
        """Nobody is there any more for whom it may be made: say so to whoever set it, and stop."""

        def act(connection: Connection) -> None:
            now = self.clock.now()
            if not digests_log.end_digest(connection, held, SKIPPED, {}, now):
                return
            if not held.is_preview:
                digests_log.put_subscription(connection, replace(kept, is_on=False), now)
            if kept.set_by:
                self._tell(
                    connection, held, kept.set_by, {"why": "rights", "place": held.place or held.recipient}
                )

        await self.store.write(act)
        log.warning("digest.skipped", key=held.key)

    async def _fail(self, held: HeldDigest, error: Exception) -> None:
        token = opaque_ids.incident_token()
        log.error("digest.failed", key=held.key, attempt=held.attempts, token=token, exc_info=error)

        def act(connection: Connection) -> None:
            now = self.clock.now()
            if held.attempts < self.pace.tries:
                again = now + timedelta(seconds=self.pace.again_s * held.attempts)
                digests_log.put_off(connection, held, again)
                return
            kept = digests_log.find_subscription(connection, held.recipient)
            if digests_log.end_digest(connection, held, FAILED, {"token": token}, now):
                person = (kept.set_by if kept else "") or held.recipient
                self._tell(
                    connection, held, person, {"why": "error", "token": token, "place": held.recipient}
                )

        await self.store.write(act)

    def _tell(self, connection: Connection, held: HeldDigest, person: str, said: dict[str, str]) -> None:
        if not is_person(person):
            return
        item = outbox_log.NewItem(
            id=opaque_ids.message_id(held.key, TROUBLE), kind=TROUBLE, channel=person, body=said
        )
        outbox_log.insert_item(connection, item, self.clock.now())
