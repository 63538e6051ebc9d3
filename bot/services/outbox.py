"""The courier: brings Slack what the outbox holds, once each, and keeps each run's message up to date."""

import asyncio
import contextlib
import os
import uuid
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import structlog

from bot.adapters.correlation import correlated
from bot.adapters.observing import MessageTried, Observers
from bot.adapters.queue.wakeup import WakeUp, ringing_on
from bot.adapters.store import audit_log, outbox_log
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.outbox_log import HeldItem
from bot.adapters.store.run_log import read_runs
from bot.adapters.store.run_turns import FREELY, Shares
from bot.adapters.store.store_down import StoreDown
from bot.services.line_news import tell_places
from bot.services.opaque_ids import incident_token
from bot.services.outbox_items import (
    OutboxItem,
    Posted,
    SendAmbiguous,
    Sender,
    SendLater,
    SendRefused,
    Subjects,
)
from bot.services.run_views import RunView, load_views
from bot.services.undelivered import TellOwners, tell_nobody
from bot.services.work import ITSELF
from workflows.ports import Clock

log = structlog.get_logger(__name__)
T = TypeVar("T")

UNDER = "under"
"""Key in the body of a message that stands in the thread of another: the subject of that one."""


@dataclass(frozen=True, slots=True)
class Round:
    """How a courier works."""

    concurrency: int = 16
    timeout_s: float = 10.0
    """For one call to Slack."""
    lease_s: float = 30.0
    """More than twice `timeout_s`, so that a slow courier and its successor never both post."""
    look_s: float = 0.5
    gather_s: float = 0.02
    quiet_s: float = 1.0
    """Least time between two updates of one message; what ends a run is shown at once."""
    longest_wait_s: float = 60.0
    news_s: float = 5.0
    """Time between two looks at how the queue moved."""
    blunders: int = 5
    """Attempts that may fail in a way nobody foresaw before the message is given up."""
    doubts: int = 1_500
    """Attempts that Slack may answer unclearly before it is given up: more than a day of them."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One message in hand."""

    held: HeldItem
    item: OutboxItem
    revision: int
    """Of the run, as it will be shown."""
    attempts: int
    tried: bool
    """An earlier attempt may have posted it."""
    taken_at: float
    """Loop time of the claim, at the latest."""


@dataclass(slots=True)
class Courier:
    """Posts, reconciles, updates."""

    store: Store
    sender: Sender
    clock: Clock
    outgoing: WakeUp
    round: Round = field(default_factory=Round)
    name: str = field(default_factory=lambda: f"{os.getpid()}:{uuid.uuid4().hex[:8]}")
    subjects: Subjects = field(default_factory=dict)
    observers: Observers = field(default_factory=Observers)
    shares: Shares = FREELY
    """As the workers have it, for saying how long a run waits."""
    tell_owners: TellOwners = tell_nobody
    """Of what Slack will never take."""
    _errands: set[asyncio.Task[None]] = field(default_factory=set)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Bring messages until `stop` is set; those under way are finished."""
        async with ringing_on(stop, self.outgoing.ring), self._telling_places():
            while not stop.is_set():
                try:
                    await self._claim()
                except StoreDown as error:
                    log.warning("outbox.claim_failed", courier=self.name, why=error.why)
                    await asyncio.sleep(self.round.look_s)
                except Exception:
                    log.exception("outbox.claim_failed", courier=self.name)
                    await asyncio.sleep(self.round.look_s)
                await asyncio.sleep(self.round.gather_s)
                await self.outgoing.wait(self.round.look_s)
        if self._errands:
            await asyncio.wait(self._errands)

    async def drain(self, stop: asyncio.Event | None = None) -> None:
        """Bring what is due now; once `stop` is set, only what is under way."""
        stop = stop or asyncio.Event()
        while (not stop.is_set() and await self._claim()) or self._errands:
            if self._errands:
                await asyncio.wait(self._errands, return_when=asyncio.FIRST_COMPLETED)

    @contextlib.asynccontextmanager
    async def _telling_places(self) -> AsyncIterator[None]:
        teller = asyncio.create_task(self._tell_places(), name="queue news")
        try:
            yield
        finally:
            teller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await teller

    async def _tell_places(self) -> None:
        while True:
            await asyncio.sleep(self.round.news_s)
            try:
                if await tell_places(self.store, self.shares):
                    self.outgoing.ring()
            except Exception:
                log.exception("outbox.places_failed", courier=self.name)

    async def _claim(self) -> int:
        free = self.round.concurrency - len(self._errands)
        if free <= 0:
            return 0
        now = asyncio.get_running_loop().time()
        errands = await self.store.write(lambda connection: self._take(connection, free, now))
        for errand in errands:
            task = asyncio.create_task(self._run(errand), name=f"message {errand.item.id}")
            self._errands.add(task)
            task.add_done_callback(self._errands.discard)
        return len(errands)

    def _take(self, connection: Connection, limit: int, now: float) -> list[Errand]:
        rows = outbox_log.claim_items(connection, owner=self.name, lease_s=self.round.lease_s, limit=limit)
        if not rows:
            return []
        runs = read_runs(connection, {row.run_id for row in rows if row.run_id})
        views = {view.id: view for view in load_views(connection, runs.values(), self.shares)}
        return [
            _errand(row, views.get(row.run_id), self._about(connection, row.subject), now) for row in rows
        ]

    def _about(self, connection: Connection, subject: str) -> Any:
        kind, _, name = subject.partition(":")
        load = self.subjects.get(kind)
        return load(connection, name) if load else None

    async def _run(self, errand: Errand) -> None:
        try:
            with correlated(errand.item.correlation, message=errand.item.id):
                await self._attempt(errand)
        except Exception:
            log.exception("outbox.not_recorded", message=errand.item.id)
        finally:
            # what waited behind this one, in its thread or for a free hand, may go now
            self.outgoing.ring()

    async def _attempt(self, errand: Errand) -> None:
        try:
            posted, found = await self._send(errand)
        except SendLater as error:
            self._tell(errand, "later")
            await self._put_back(
                errand, error.after_s, errand.attempts, sent=errand.tried, is_channel=error.is_channel
            )
        except SendAmbiguous:
            if errand.attempts + 1 >= self.round.doubts:
                await self._refuse(errand, "unclear", "")
            else:
                self._tell(errand, "uncertain")
                await self._put_back(errand, self._wait_s(errand), errand.attempts + 1, sent=True)
        except SendRefused as error:
            await self._refuse(errand, error.reason, "")
        except Exception:
            token = incident_token()
            log.exception("outbox.blunder", message=errand.item.id, token=token)
            if errand.attempts + 1 >= self.round.blunders:
                await self._refuse(errand, "internal", token)
            else:
                await self._put_back(errand, self._wait_s(errand), errand.attempts + 1, sent=True)
        else:
            self._tell(errand, "found" if found else "updated" if errand.item.ts else "posted")
            await self._mark(errand, posted, found)

    def _tell(self, errand: Errand, outcome: str) -> None:
        item = errand.item
        seconds = asyncio.get_running_loop().time() - errand.taken_at
        self.observers.tell(MessageTried(item.id, item.kind, item.run_id, outcome, seconds))

    async def _send(self, errand: Errand) -> tuple[Posted, bool]:
        """Where it stands now, and whether an earlier attempt had put it there."""
        item = errand.item
        if UNDER in item.body and not item.ts:
            item = await self.store.read(lambda connection: _in_thread(connection, item))
        send_by = errand.taken_at + self.round.lease_s - self.round.timeout_s
        item = replace(item, send_by=send_by)
        if item.ts:
            self._look_at_time(send_by)
            await self._timed(self.sender.update(item))
            return Posted(item.posted_channel, item.ts), False
        if errand.tried:
            found = await self._timed(self.sender.find(item))
            if found is not None:
                return found, True
        self._look_at_time(send_by)
        return await self._timed(self.sender.post(item)), False

    @staticmethod
    def _look_at_time(send_by: float) -> None:
        if asyncio.get_running_loop().time() > send_by:
            raise SendLater(0.0)

    async def _timed(self, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self.round.timeout_s):
                return await call
        except TimeoutError as error:
            raise SendAmbiguous from error

    def _wait_s(self, errand: Errand) -> float:
        return min(self.round.longest_wait_s, 0.5 * 2.0**errand.attempts)

    async def _mark(self, errand: Errand, posted: Posted, found: bool) -> None:
        item = errand.item
        over = item.run is None or item.kind != "run" or item.run.finished_at is not None
        await self.store.write(
            lambda connection: outbox_log.mark_sent(
                connection,
                errand.held,
                channel=posted.channel,
                ts=posted.ts,
                # what an earlier attempt posted may show less than the run does now
                revision=0 if found else errand.revision,
                settled=over and not (found and item.kind == "run"),
                place=item.run.position if item.run is not None else 0,
                quiet_s=self.round.quiet_s,
            ),
            # lost in a power cut, the message is looked for and found
            relaxed=True,
        )

    async def _put_back(
        self, errand: Errand, after_s: float, attempts: int, *, sent: bool, is_channel: bool = False
    ) -> None:
        def act(connection: Connection) -> None:
            outbox_log.put_back(
                connection,
                errand.held,
                after_s=after_s,
                attempts=attempts,
                first_sent_at=errand.item.first_sent_at if sent else None,
            )
            if is_channel:
                outbox_log.suspend_channel(connection, errand.item.channel, after_s)

        await self.store.write(act)

    async def _refuse(self, errand: Errand, reason: str, token: str) -> None:
        item = errand.item
        self._tell(errand, "refused")
        log.error("outbox.refused", message=item.id, run=item.run_id, reason=reason, token=token)

        def act(connection: Connection) -> None:
            if outbox_log.refuse_item(connection, errand.held, reason):
                audit_log.append_event(
                    connection,
                    actor=ITSELF,
                    action="message.refused",
                    target=f"run:{item.run_id}" if item.run_id else f"message:{item.id}",
                    context={"reason": reason, "kind": item.kind, "channel": item.channel, "token": token},
                    at=self.clock.now(),
                )
                self.tell_owners(connection, item, reason, self.clock.now())

        await self.store.write(act)
        self.outgoing.ring()


def _in_thread(connection: Connection, item: OutboxItem) -> OutboxItem:
    """Below the message that it belongs to, wherever that came to stand. Raises SendRefused."""
    channel, ts = outbox_log.message_about(connection, str(item.body[UNDER]))
    if not ts:
        raise SendRefused("no_thread")
    return replace(item, channel=channel, thread_ts=ts)


def _errand(row: Any, run: RunView | None, about: Any, now: float) -> Errand:
    item = OutboxItem(
        id=row.id,
        run_id=row.run_id or "",
        kind=row.kind,
        channel=row.channel,
        thread_ts=row.thread_ts,
        first_sent_at=row.first_sent_at or row.claimed_at,
        posted_channel=row.posted_channel,
        ts=row.ts,
        body=row.body,
        subject=row.subject,
        run=run,
        about=about,
        correlation=row.correlation,
    )
    return Errand(
        held=HeldItem(row.seq, row.fence + 1),
        item=item,
        revision=row.revision or 0,
        attempts=row.attempts,
        tried=row.first_sent_at is not None,
        taken_at=now,
    )
