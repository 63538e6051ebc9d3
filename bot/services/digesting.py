"""Weekly digests as people keep them: who gets one, when, about what; and the clock that has them made."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, digests_log, rollups_log
from bot.adapters.store.database import Store
from bot.adapters.store.digests_log import Subscription
from bot.adapters.store.versions_log import CANDIDATE
from bot.governance.roles import EVERYTHING, Permission, Role
from bot.quality.digest_request import DigestRequest
from bot.quality.digest_slots import Schedule, UnknownZone
from bot.services.access import Access, Outsider
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from bot.services.contents import WORKFLOW
from workflows.ports import Clock
from workflows.run import Json

log = structlog.get_logger(__name__)
T = TypeVar("T")

DIGEST = "digest"
"""Kind of the outbox message, first word of its subject and of every key."""


class NoSuchDigest(Exception):
    """No digest goes there; fact `place` is a channel, or empty for the person's own."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.facts = {"place": place}


@dataclass(frozen=True, slots=True)
class DigestView:
    """One recipient's digest as its settings show it."""

    subscription: Subscription
    next_at: datetime | None
    """None while it is off."""
    workflows: tuple[str, ...]
    """What it tells of, by name."""


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """What one person may know of digests."""

    own: DigestView | None
    """None for somebody who gets none and never said so."""
    channels: tuple[DigestView, ...]
    may_have: bool
    """Whether there is a workflow whose digest they could get."""


def is_channel(recipient: str) -> bool:
    """Whether a digest goes where others read it."""
    return recipient[:1] in ("C", "G")


def digest_key(recipient: str, week: object, more: str = "") -> str:
    """What makes a digest the same however often a clock asks for it; also its subject in the outbox."""
    return ":".join(filter(None, (DIGEST, recipient, str(week), more)))


class Digests:
    """The use cases around digests."""

    def __init__(
        self, store: Store, access: Access, catalogue: Catalogue, clock: Clock, bell: WakeUp
    ) -> None:
        self._store = store
        self._access = access
        self._catalogue = catalogue
        self._clock = clock
        self.bell = bell
        """Rings when there is one to make."""

    def visible(self, connection: Connection, actor: Actor, named: Sequence[str] = ()) -> tuple[str, ...]:
        """The workflows, of those named if any are, whose runs the actor may see."""
        return tuple(
            name
            for name in self._names(connection)
            if (not named or name in named)
            and self._access.may(connection, actor, Permission.SEE_RUNS, f"workflow:{name}")
        )

    async def names(self) -> tuple[str, ...]:
        """The workflows that a digest can be about."""
        return await self._store.read(self._names)

    async def settings(self, actor: Actor) -> DigestSettings:
        """The person's own digest, and those of channels about workflows of theirs. Raises Outsider."""
        _refuse_outsiders(actor)

        def look(connection: Connection) -> DigestSettings:
            mine = self.visible(connection, actor)
            own, channels = None, []
            for each in digests_log.read_subscriptions(connection):
                if each.recipient == actor.id:
                    own = self._view(each, mine)
                elif is_channel(each.recipient) and self._may_change(connection, actor, each):
                    channels.append(self._view(each, tuple(n for n in mine if _tells_of(each, n))))
            return DigestSettings(own, tuple(channels), bool(mine))

        return await self._store.read(look)

    async def set(self, actor: Actor, place: str, asked: DigestRequest, zone: str) -> DigestView:
        """Have a digest come to a channel, or with no place to the person, in place of what was set before.

        `zone` is where the person is, for what names none. Raises Outsider, NotAuthorized, UnknownZone.
        """

        def act(connection: Connection) -> DigestView:
            mine = self._mine(connection, actor, asked.workflows)
            before = digests_log.find_subscription(connection, place or actor.id)
            if before is not None and place:
                self._authorise_change(connection, actor, before)
            made = self._made(actor, place, asked, before, zone)
            self._keep(connection, actor, made)
            return self._view(made, mine)

        return await self._write(act)

    async def switch(self, actor: Actor, place: str, zone: str, *, is_on: bool) -> DigestView:
        """Stop a digest, or let it come again.

        Raises Outsider, NotAuthorized, NoSuchDigest.
        """

        def act(connection: Connection) -> DigestView:
            _refuse_outsiders(actor)
            before = digests_log.find_subscription(connection, place or actor.id)
            if before is None:
                if place or not is_on:
                    raise NoSuchDigest(place)
                before = Subscription(actor.id, Schedule(zone=zone))
            if place:
                self._authorise_change(connection, actor, before)
            mine = self._mine(connection, actor, before.workflows) if is_on else ()
            made = replace(before, is_on=is_on, set_by=actor.id, changed_at=self._clock.now())
            self._keep(connection, actor, made)
            return self._view(made, mine)

        return await self._write(act)

    async def preview(self, actor: Actor, place: str, zone: str, request: str) -> None:
        """Have the digest of the last whole week made for this person's eyes only.

        Of a channel: what would be posted there. The same request, delivered twice, is one preview.
        Raises Outsider, NotAuthorized, NoSuchDigest.
        """

        def act(connection: Connection) -> None:
            self._mine(connection, actor, ())
            subscription = digests_log.find_subscription(connection, place or actor.id)
            if place:
                if subscription is None:
                    raise NoSuchDigest(place)
                self._authorise_change(connection, actor, subscription)
            schedule = subscription.schedule if subscription else Schedule(zone=zone)
            now = self._clock.now()
            week = schedule.week_before(now)
            more = f"now:{hashlib.sha256(request.encode()).hexdigest()[:12]}"
            asked = {"preview": True, "place": place}
            digests_log.enqueue(
                connection,
                digest_key(actor.id, week, more),
                actor.id,
                week,
                due_at=now,
                at=now,
                asked=asked,
            )

        await self._write(act)

    async def tell_last_week(self, person: str, zone: str) -> bool:
        """Have the digest of the last whole week come now; False when they had it or nothing ran in it."""

        def act(connection: Connection) -> bool:
            now, schedule = self._clock.now(), Schedule(zone=zone)
            week = schedule.week_before(now)
            key = digest_key(person, week)
            since, until = week.starts(schedule.info), week.ends(schedule.info)
            if not rollups_log.people_together(connection, since, until):
                return False
            return digests_log.enqueue(connection, key, person, week, due_at=now, at=now)

        return await self._write(act)

    async def enqueue_due(self) -> int:
        """Have made what is due: of each recipient the newest slot, once however many clocks ask.

        Slots that passed while no clock ran are caught up by the newest of them.
        """

        def act(connection: Connection) -> int:
            now, made = self._clock.now(), 0
            for each in digests_log.read_subscriptions(connection):
                made += each.is_on and self._enqueue(connection, each, now)
            return made

        return await self._write(act)

    async def take_owners(self, zones: Mapping[str, str]) -> None:
        """Bring the digests that come of themselves in step with who owns workflows, and where they are.

        `zones`: each owner with their time zone. What somebody set for themselves stays.
        """

        def act(connection: Connection) -> None:
            now = self._clock.now()
            known = {each.recipient: each for each in digests_log.read_subscriptions(connection)}
            for person, zone in zones.items():
                before = known.get(person)
                if before is None:
                    made = Subscription(person, Schedule(zone=zone), changed_at=now)
                elif not before.set_by and before.schedule.zone != zone:
                    made = replace(before, schedule=replace(before.schedule, zone=zone))
                else:
                    continue
                digests_log.put_subscription(connection, made, now)
            for person, each in known.items():
                if not each.set_by and person not in zones:
                    digests_log.drop_subscription(connection, person)

        await self._store.write(act)

    async def owners(self) -> tuple[str, ...]:
        """People and groups that own something."""
        grants = await self._store.read(self._access.grants)
        return tuple(dict.fromkeys(each.grantee for each in grants if each.role is Role.OWNER))

    def _enqueue(self, connection: Connection, each: Subscription, now: datetime) -> bool:
        try:
            slot = each.schedule.latest(now)
            week = each.schedule.week_before(slot)
        except UnknownZone as error:
            log.error("digest.unknown_zone", recipient=each.recipient, **error.facts)
            return False
        if each.changed_at is not None and slot <= each.changed_at:
            return False
        key = digest_key(each.recipient, week)
        return digests_log.enqueue(connection, key, each.recipient, week, due_at=slot, at=now)

    def _names(self, connection: Connection) -> tuple[str, ...]:
        known = self._catalogue.versions(connection, CANDIDATE)
        return tuple(sorted(name for kind, name in known if kind == WORKFLOW))

    def _mine(self, connection: Connection, actor: Actor, named: Sequence[str]) -> tuple[str, ...]:
        """What the actor may have told. Raises Outsider, NotAuthorized."""
        for name in named:
            self._access.authorise(connection, actor, Permission.SEE_RUNS, f"workflow:{name}")
        mine = self.visible(connection, actor, named)
        if not mine:
            self._access.authorise(connection, actor, Permission.SEE_RUNS, EVERYTHING)
        return mine

    def _made(
        self, actor: Actor, place: str, asked: DigestRequest, before: Subscription | None, zone: str
    ) -> Subscription:
        old = before.schedule if before else Schedule(zone=zone)
        schedule = Schedule(
            old.weekday if asked.weekday is None else asked.weekday,
            old.minute if asked.minute is None else asked.minute,
            asked.zone or old.zone,
        )
        return Subscription(
            recipient=place or actor.id,
            schedule=schedule,
            workflows=asked.workflows,
            set_by=actor.id,
            changed_at=self._clock.now(),
        )

    def _keep(self, connection: Connection, actor: Actor, made: Subscription) -> None:
        now, schedule = self._clock.now(), made.schedule
        digests_log.put_subscription(connection, made, now)
        said: dict[str, Json] = {
            "is_on": made.is_on,
            "weekday": schedule.weekday,
            "minute": schedule.minute,
            "zone": schedule.zone,
            "workflows": list(made.workflows),
        }
        audit_log.append_event(
            connection,
            actor=actor.id,
            action="digest.set",
            target=f"{DIGEST}:{made.recipient}",
            context=said,
            at=now,
        )

    def _may_change(self, connection: Connection, actor: Actor, kept: Subscription) -> bool:
        """Who set it, and whoever may see all that it tells of."""
        return kept.set_by == actor.id or all(
            self._access.may(connection, actor, Permission.SEE_RUNS, scope) for scope in _scopes(kept)
        )

    def _authorise_change(self, connection: Connection, actor: Actor, kept: Subscription) -> None:
        if kept.set_by != actor.id:
            for scope in _scopes(kept):
                self._access.authorise(connection, actor, Permission.SEE_RUNS, scope)

    def _view(self, kept: Subscription, workflows: tuple[str, ...]) -> DigestView:
        next_at = kept.schedule.next(self._clock.now()) if kept.is_on else None
        return DigestView(kept, next_at, workflows)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        done = await self._store.write(work)
        self.bell.ring()
        return done


def _scopes(kept: Subscription) -> list[str]:
    return [f"workflow:{name}" for name in kept.workflows] or [EVERYTHING]


def _tells_of(kept: Subscription, workflow: str) -> bool:
    return not kept.workflows or workflow in kept.workflows


def _refuse_outsiders(actor: Actor) -> None:
    if actor.is_outsider:
        raise Outsider(actor.id)
