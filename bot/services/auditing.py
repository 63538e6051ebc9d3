"""The audit trail for people: asking it, taking it away, checking it, and posting its signed end."""

from dataclasses import dataclass

from sqlalchemy import Connection

from bot.adapters.audit_key import AuditKey, is_signed
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, outbox_log
from bot.adapters.store.audit_log import AuditEvent, Verification
from bot.adapters.store.audit_search import Search, chain_end, count_events, every_event, find_events, hash_at
from bot.adapters.store.checkpoints_log import insert_checkpoint, latest_checkpoint
from bot.adapters.store.database import Store
from bot.governance.checkpoint import Checkpoint, SignedCheckpoint, read_checkpoint, slot_of
from bot.governance.roles import EVERYTHING, Permission
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.audit_files import Format, written
from bot.services.opaque_ids import message_id
from bot.services.work import ITSELF
from workflows.ports import Clock

TARGET = "audit:chain"
CHECKPOINT_KIND = "checkpoint"
"""Kind of outbox message."""
MOST = 100_000
"""Events that one file takes; more are asked for by date."""


class NoAuditKey(Exception):
    """Nothing to sign with; fact `setting`."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = {"setting": "SPANWISE_AUDIT_KEY"}


class TooManyEvents(Exception):
    """More than one file takes; facts `count` and `most`."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.facts = {"count": str(count), "most": str(MOST)}


@dataclass(frozen=True, slots=True)
class Export:
    """A file of events, and the end of the chain when it was made."""

    name: str
    content: str
    count: int
    head: str


@dataclass(frozen=True, slots=True)
class Check:
    """What checking a checkpoint against the chain found."""

    checkpoint: Checkpoint
    is_signed: bool
    """The signature is that of the key it names."""
    is_ours: bool | None
    """The key is ours; None when no key is set here to compare with."""
    chain: Verification
    is_there: bool
    """The event it names is there with the hash it names."""

    @property
    def is_good(self) -> bool:
        """Whether everything up to the checkpoint is as it was when it was made."""
        return self.is_signed and self.is_ours is not False and self.is_there and self.chain.bad_seq is None


class Auditing:
    """Reads for those who may see, files for those who may export."""

    def __init__(
        self,
        store: Store,
        access: Access,
        clock: Clock,
        outgoing: WakeUp,
        key: AuditKey | None = None,
        channel: str = "",
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._outgoing = outgoing
        self._key = key
        self._channel = channel

    @property
    def public_key(self) -> str:
        """What checkpoints are checked with; empty without a key."""
        return self._key.public if self._key else ""

    async def find(
        self, actor: Actor, search: Search, *, scope: str = EVERYTHING, limit: int = 20
    ) -> tuple[AuditEvent, ...]:
        """Events, newest first. Raises Outsider, NotAuthorized."""

        def look(connection: Connection) -> tuple[AuditEvent, ...]:
            self._access.authorise(connection, actor, Permission.SEE_AUDIT, scope)
            return find_events(connection, search, limit=limit)

        return await self._store.read(look)

    async def verify(self, actor: Actor) -> tuple[Verification, Checkpoint | None]:
        """Walk the chain; also the newest checkpoint. Raises Outsider, NotAuthorized."""

        def look(connection: Connection) -> tuple[Verification, Checkpoint | None]:
            self._access.authorise(connection, actor, Permission.SEE_AUDIT, EVERYTHING)
            return audit_log.verify(connection), latest_checkpoint(connection)

        return await self._store.read(look)

    async def check(self, actor: Actor, text: str) -> Check:
        """Hold a posted checkpoint against the chain. Raises as `verify`, and UnreadableCheckpoint."""

        def look(connection: Connection) -> Check:
            self._access.authorise(connection, actor, Permission.SEE_AUDIT, EVERYTHING)
            signed = read_checkpoint(text)
            kept = signed.checkpoint
            return Check(
                kept,
                is_signed(signed),
                signed.key == self._key.public if self._key else None,
                audit_log.verify(connection),
                kept.events == 0 or hash_at(connection, kept.events) == kept.head,
            )

        return await self._store.read(look)

    async def export(self, actor: Actor, search: Search, form: Format, *, surface: str) -> Export:
        """A file of events; that it was taken is an event itself.

        Raises Outsider, NotAuthorized, TooManyEvents.
        """

        def act(connection: Connection) -> Export:
            self._access.authorise(connection, actor, Permission.EXPORT, EVERYTHING)
            count, now = count_events(connection, search), self._clock.now()
            if count > MOST:
                raise TooManyEvents(count)
            end, head = chain_end(connection)
            content = written(every_event(connection, search), form)
            audit_log.append_event(
                connection,
                actor=actor.id,
                action="audit.exported",
                target=TARGET,
                context={
                    "format": form,
                    "events": count,
                    "end": end,
                    "surface": surface,
                    "about": search.about,
                    "of": search.actor,
                    "action": search.action,
                    "since": search.since.isoformat() if search.since else "",
                    "until": search.until.isoformat() if search.until else "",
                },
                at=now,
            )
            return Export(f"audit-{now:%Y-%m-%d}.{form}", content, count, head)

        return await self._store.write(act)

    async def checkpoint(self, actor: Actor) -> SignedCheckpoint:
        """The end of the chain as of now, signed. Raises Outsider, NotAuthorized, NoAuditKey."""

        def act(connection: Connection) -> SignedCheckpoint:
            self._access.authorise(connection, actor, Permission.SEE_AUDIT, EVERYTHING)
            return self._signed(connection, f"at-{self._clock.now():%Y%m%dT%H%M%SZ}")

        return await self._store.read(act)

    async def post_checkpoint(self) -> bool:
        """Sign and post the checkpoint of this week, once however many clocks ask; False when it was posted.

        Nothing happens without a key or without a channel to post to.
        """
        if self._key is None or not self._channel:
            return False

        def act(connection: Connection) -> bool:
            slot = slot_of(self._clock.now())
            signed = self._signed(connection, slot)
            if not insert_checkpoint(connection, signed):
                return False
            item = outbox_log.NewItem(
                id=message_id("checkpoint", slot),
                kind=CHECKPOINT_KIND,
                channel=self._channel,
                body={"text": signed.text(), "slot": slot, "events": signed.checkpoint.events},
            )
            outbox_log.insert_item(connection, item, self._clock.now())
            audit_log.append_event(
                connection,
                actor=ITSELF,
                action="audit.checkpoint_signed",
                target=TARGET,
                context={
                    "slot": slot,
                    "events": signed.checkpoint.events,
                    "head": signed.checkpoint.head,
                    "channel": self._channel,
                },
                at=self._clock.now(),
            )
            return True

        posted = await self._store.write(act)
        self._outgoing.ring()
        return posted

    def _signed(self, connection: Connection, slot: str) -> SignedCheckpoint:
        if self._key is None:
            raise NoAuditKey
        end, head = chain_end(connection)
        return self._key.sign(Checkpoint(slot, end, head or audit_log.GENESIS, self._clock.now()))
