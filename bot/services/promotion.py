"""Bringing a candidate to everybody: the readiness card, the approval, and the move itself."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, outbox_log
from bot.adapters.store.database import Store
from bot.adapters.store.evaluations_log import QUEUED, NewEvaluation, insert_evaluation, unfinished_about
from bot.adapters.store.stages_log import Standing, lock_standing, write_standing
from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION, move_label, remove_label
from bot.governance.roles import Permission, who_may
from bot.governance.stages import Stage, WrongStage
from bot.quality.readiness import Approval, Holder
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.candidates import Difference, differences, fingerprint
from bot.services.catalogue import Catalogue
from bot.services.improvements import Improvement, OnImproved, unnoted
from bot.services.opaque_ids import evaluation_id, message_id
from bot.services.readiness_cards import Card, Cards
from bot.services.staging import CARD, NoCandidate, Stages
from workflows.ports import Clock
from workflows.run import Json

T = TypeVar("T")
CARD_KIND = "readiness"
"""Kind of outbox message."""


class NotReady(Exception):
    """Promotion waits for lines of the card; facts `workflow` and `missing`, their names."""

    def __init__(self, workflow: str, missing: Iterable[str]) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow, "missing": ",".join(missing)}


class OwnCandidate(Exception):
    """Whoever wrote part of a candidate cannot approve it; fact `workflow`."""

    def __init__(self, workflow: str) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow}


class CandidateMoved(Exception):
    """The candidate is another one than the card showed; fact `workflow`."""

    def __init__(self, workflow: str) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow}


class NobodyApproves(Exception):
    """Nobody but the authors may approve; facts `workflow` and `ask`, who can give the role."""

    def __init__(self, workflow: str, ask: Collection[str]) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow, "ask": ",".join(ask)}


class Directory(Protocol):
    """Knows who is a member today; Slack, in the product."""

    async def holders(self, grantees: Iterable[str]) -> tuple[Holder, ...]:
        """People as they are, groups as their members."""
        ...


class Promotions:
    """Shows what a promotion asks, takes the approval, and promotes."""

    def __init__(
        self,
        store: Store,
        access: Access,
        catalogue: Catalogue,
        stages: Stages,
        cards: Cards,
        clock: Clock,
        outgoing: WakeUp,
        improved: OnImproved = unnoted,
    ) -> None:
        self._improved = improved
        self._store = store
        self._access = access
        self._catalogue = catalogue
        self._stages = stages
        self._cards = cards
        self._clock = clock
        self._outgoing = outgoing

    async def card(self, actor: Actor, workflow: str) -> Card:
        """What a promotion asks, as it stands. Raises Outsider, NotAuthorized, UnknownWorkflow."""

        def look(connection: Connection) -> Card:
            self._cards.authorise(connection, actor, workflow)
            return self._cards.card_in(connection, workflow)

        return await self._store.read(look)

    async def post(
        self,
        actor: Actor,
        workflow: str,
        directory: Directory,
        *,
        key: str,
        channel: str,
        thread_ts: str = "",
    ) -> None:
        """Put the card where it was asked for; it is drawn again whenever something of it changes.

        Raises as `card`, and what the directory raises.
        """
        await self._store.read(lambda connection: self._cards.authorise(connection, actor, workflow))
        await self.refresh(workflow, directory)
        item = outbox_log.NewItem(
            id=message_id(f"{CARD}:{workflow}", key),
            kind=CARD_KIND,
            channel=channel,
            thread_ts=thread_ts,
            body={"person": actor.id},
            subject=f"{CARD}:{workflow}",
        )
        await self._store.write(
            lambda connection: outbox_log.insert_item(connection, item, self._clock.now())
        )
        self._outgoing.ring()

    async def refresh(self, workflow: str, directory: Directory) -> None:
        """Ask again who of those that answer for it is a member, and draw its cards again."""
        grantees = await self._store.read(lambda connection: self._cards.owners(connection, workflow))
        holders = await directory.holders(grantees)

        def act(connection: Connection) -> None:
            standing = lock_standing(connection, self._stages.standing_in(connection, workflow))
            write_standing(connection, replace(standing, holders=holders))
            outbox_log.redraw(connection, f"{CARD}:{workflow}")

        await self._store.write(act)
        self._outgoing.ring()

    def load_card(self, connection: Connection, workflow: str) -> Card | None:
        """The card for a message that is drawn again; None when it cannot be put together."""
        return self._cards.load_card(connection, workflow)

    async def approve(self, actor: Actor, workflow: str, *, seen: str | None = None) -> Card:
        """Say yes to exactly what the candidate is now; `seen` is the fingerprint that a card showed.

        Raises Outsider, NotAuthorized, UnknownWorkflow, NoCandidate, CandidateMoved, OwnCandidate.
        """

        def act(connection: Connection) -> Card:
            self._access.authorise(connection, actor, Permission.APPROVE, f"workflow:{workflow}")
            standing = lock_standing(connection, self._stages.standing_in(connection, workflow))
            found = self._differing(connection, workflow, seen)
            if actor.id in {each.author for each in found}:
                raise OwnCandidate(workflow)
            others = tuple(each for each in standing.approvals if each.person != actor.id)
            given = Approval(actor.id, self._clock.now(), fingerprint(found), tuple(sorted(actor.groups)))
            write_standing(connection, replace(standing, approvals=(*others, given)))
            self._record(connection, actor, "stage.approved", workflow, {"versions": _named(found)})
            return self._cards.card_in(connection, workflow)

        return await self._write(act)

    async def run_cases(self, actor: Actor, workflow: str) -> str:
        """Have a worker run the cases on the candidate, or on production without one; returns the id.

        Raises Outsider, NotAuthorized, UnknownWorkflow.
        """

        def act(connection: Connection) -> str:
            self._access.authorise(connection, actor, Permission.EVALUATE, f"workflow:{workflow}")
            found = differences(connection, self._catalogue, workflow)
            waiting = unfinished_about(connection, f"{CARD}:{workflow}")
            if waiting:
                return waiting
            new = NewEvaluation(
                id=evaluation_id(),
                workflow=workflow,
                subject=f"{CARD}:{workflow}",
                label=CANDIDATE if found else PRODUCTION,
                asked_by=actor.id,
                status=QUEUED,
                baseline={},
                candidate={},
            )
            insert_evaluation(connection, new, self._clock.now())
            self._record(connection, actor, "evaluation.asked", workflow, {"evaluation": new.id})
            return new.id

        return await self._write(act)

    async def ask_approval(self, actor: Actor, workflow: str, directory: Directory, *, key: str) -> int:
        """Send the card to everybody who may approve it and wrote none of it; returns to how many.

        Raises Outsider, NotAuthorized, UnknownWorkflow, NoCandidate, NobodyApproves.
        """

        def look(connection: Connection) -> tuple[tuple[str, ...], set[str], tuple[str, ...]]:
            self._stages.authorise(connection, actor, workflow)
            grants, scope = self._access.grants(connection), f"workflow:{workflow}"
            may = who_may(grants, permission=Permission.APPROVE, scope=scope)
            give = who_may(grants, permission=Permission.GRANT, scope=scope)
            return may, {each.author for each in self._differing(connection, workflow)}, give

        may, authors, give = await self._store.read(look)
        found = {holder.person for holder in await directory.holders(may) if holder.is_active}
        people = sorted(found - authors - {actor.id})
        if not people:
            raise NobodyApproves(workflow, give)

        def act(connection: Connection) -> int:
            for person in people:
                outbox_log.insert_item(connection, _letter(workflow, key, person, actor), self._clock.now())
            self._record(connection, actor, "stage.approval_asked", workflow, {"people": [*people]})
            return len(people)

        return await self._write(act)

    async def promote(
        self, actor: Actor, workflow: str, directory: Directory, *, seen: str | None = None
    ) -> Card:
        """Point production at what the candidate is, when nothing is missing.

        The approval of whoever promotes does not count: it takes two people. Raises Outsider, NotAuthorized,
        UnknownWorkflow, NoCandidate, CandidateMoved, NotReady, WrongStage.
        """
        await self._store.read(lambda connection: self._stages.authorise(connection, actor, workflow))
        await self.refresh(workflow, directory)

        def act(connection: Connection) -> Card:
            self._stages.authorise(connection, actor, workflow)
            standing = lock_standing(connection, self._stages.standing_in(connection, workflow))
            found = self._differing(connection, workflow, seen)
            if standing.stage is not Stage.PILOT:
                raise WrongStage(workflow, standing.stage, "promote")
            card = self._cards.card_in(connection, workflow, but=actor.id)
            if not card.readiness.is_ready:
                raise NotReady(workflow, card.readiness.missing)
            for each in found:
                self._release(connection, actor, each)
            self._finish(connection, actor, standing, card)
            return self._cards.card_in(connection, workflow)

        return await self._write(act)

    def _differing(
        self, connection: Connection, workflow: str, seen: str | None = None
    ) -> tuple[Difference, ...]:
        found = differences(connection, self._catalogue, workflow)
        if not found:
            raise NoCandidate(workflow)
        if seen is not None and seen != fingerprint(found):
            raise CandidateMoved(workflow)
        return found

    def _release(self, connection: Connection, actor: Actor, each: Difference) -> None:
        now = self._clock.now()
        move_label(connection, kind=each.kind, name=each.name, number=each.new, by=actor.id, at=now)
        remove_label(connection, each.kind, each.name, CANDIDATE)
        facts: dict[str, Json] = {
            "before": each.old,
            "after": each.new,
            "number": each.new,
            "label": PRODUCTION,
        }
        audit_log.append_event(
            connection,
            actor=actor.id,
            action=f"{each.kind}.released",
            target=f"{each.kind}:{each.name}",
            context={**facts, "content_hash": each.content_hash, "why": "promoted"},
            at=now,
        )

    def _finish(self, connection: Connection, actor: Actor, standing: Standing, card: Card) -> None:
        after = replace(
            standing,
            stage=Stage.PRODUCTION,
            pilot=None,
            why="",
            approvals=card.readiness.evidence.approvals,
            moved_by=actor.id,
            moved_at=self._clock.now(),
        )
        write_standing(connection, after)
        context: dict[str, Json] = {
            "before": standing.stage.value,
            "after": after.stage.value,
            "versions": _named(card.differences),
            "approved_by": [each.person for each in after.approvals],
        }
        self._record(connection, actor, "stage.promoted", standing.workflow, context)
        self._improved(connection, _improvement(actor, after, card.differences))

    def _record(
        self, connection: Connection, actor: Actor, action: str, workflow: str, context: Mapping[str, Json]
    ) -> None:
        audit_log.append_event(
            connection,
            actor=actor.id,
            action=action,
            target=f"workflow:{workflow}",
            context=context,
            at=self._clock.now(),
        )
        outbox_log.redraw(connection, f"{CARD}:{workflow}")

    async def _write(self, act: Callable[[Connection], T]) -> T:
        done = await self._store.write(act)
        self._outgoing.ring()
        return done


def _improvement(actor: Actor, standing: Standing, found: Iterable[Difference]) -> Improvement:
    subject = f"workflow:{standing.workflow}"
    released = "/".join(f"{each.kind}:{each.name}:{each.new}" for each in found)
    key = message_id(subject, f"{released}/{standing.moved_at.isoformat()}")
    effect = "What was tried in a pilot is for everybody now."
    return Improvement(
        f"p_{key[:8]}", subject, (standing.workflow,), effect, actor.id, subject, standing.moved_at
    )


def _letter(workflow: str, key: str, person: str, actor: Actor) -> outbox_log.NewItem:
    return outbox_log.NewItem(
        id=message_id(f"{CARD}:{workflow}", f"{key}:{person}"),
        kind=CARD_KIND,
        channel=person,
        body={"person": person, "asked_by": actor.id},
        subject=f"{CARD}:{workflow}",
    )


def _named(found: Iterable[Difference]) -> list[Json]:
    return [f"{each.kind}:{each.name} v{each.new}" for each in found]
