"""Gap, expert, knowledge: what was not covered is asked of a person, and their reply becomes a document."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, escalations_log, fixes_log, outbox_log
from bot.adapters.store.database import Store
from bot.adapters.store.escalations_log import EscalationRow, EscalationState
from bot.adapters.store.versions_log import PRODUCTION
from bot.governance.changes import Target
from bot.governance.roles import Grant, Permission
from bot.quality.topic_words import question_of
from bot.services import opaque_ids
from bot.services.access import Access, Outsider
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Catalogue
from bot.services.change_views import ChangeView
from bot.services.complaints import is_person, owners_of
from bot.services.fixing import GAP
from bot.services.near_owners import near_owners
from bot.services.remedies import NothingToWrite, Proposals, free_path
from bot.services.run_views import RunView, UnknownRun, load_view
from bot.services.work import ITSELF
from workflows.ports import Clock
from workflows.run import Answer, Json

SUBJECT, CARD, REPLY = "escalation", "escalation", "escalation-reply"
"""What messages about a question are about, as in `escalation:<run>`, and their kinds."""

LOOKED_BACK = timedelta(days=60)
MOST = 50
"""People who are told when a gap is closed, and how long ago they may have asked."""


class NotTheirQuestion(Exception):
    """Whoever asked hands a question on and nobody else; fact `ask` is their id."""

    def __init__(self, run_id: str, asker: str) -> None:
        super().__init__(run_id)
        self.facts = {"run": run_id, "ask": asker}


class NothingToAsk(Exception):
    """The run has no answer that says it does not know."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.facts = {"run": run_id}


class NobodyToAsk(Exception):
    """No document near it and no workflow has an owner other than the person who asks."""

    def __init__(self, workflow: str) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow}


class RepliedAlready(Exception):
    """It does not wait any more; fact `ask` says whose doing that is."""

    def __init__(self, row: EscalationRow) -> None:
        super().__init__(row.run_id)
        self.facts = {"run": row.run_id, "status": row.status.value, "ask": row.replied_by}


@dataclass(frozen=True, slots=True)
class Escalation:
    """A question that a person was asked, as it stands."""

    row: EscalationRow
    run: RunView
    others: int = 0
    """Other people who asked the same and got no answer."""


@dataclass(frozen=True, slots=True)
class ReplyDraft:
    """What a reply starts from."""

    escalation: Escalation
    title: str
    collections: tuple[str, ...]
    """Those of the workflow that the person may propose documents for."""


class Escalating:
    """A question is handed on by whoever asked it, and answered by whom it was handed to or by owners."""

    def __init__(
        self,
        store: Store,
        access: Access,
        catalogue: Catalogue,
        clock: Clock,
        outgoing: WakeUp,
        proposals: Proposals,
    ) -> None:
        self._store = store
        self._access = access
        self._catalogue = catalogue
        self._clock = clock
        self._outgoing = outgoing
        self._proposals = proposals

    async def ask(self, actor: Actor, run_id: str) -> Escalation:
        """Hand one's own question on, once.

        Raises Outsider, NotTheirQuestion, UnknownRun, NothingToAsk, NobodyToAsk.
        """

        def act(connection: Connection) -> Escalation:
            view = load_view(connection, run_id)
            if actor.is_outsider:
                raise Outsider(actor.id)
            if actor.id != view.actor.id:
                raise NotTheirQuestion(run_id, view.actor.id)
            known = load_escalation(connection, run_id)
            if known is not None:
                return known
            if view.answer is None or not view.answer.abstained:
                raise NothingToAsk(run_id)
            return self._ask(connection, view, view.answer)

        asked = await self._store.write(act)
        self._outgoing.ring()
        return asked

    def _ask(self, connection: Connection, view: RunView, answer: Answer) -> Escalation:
        expert = expert_for(answer, self._access.grants(connection), view.workflow, view.actor.id)
        if not expert:
            raise NobodyToAsk(view.workflow)
        now = self._clock.now()
        asked_by = view.actor.id
        if escalations_log.insert_escalation(connection, view.id, view.workflow, asked_by, expert, now):
            outbox_log.reopen_message(connection, view.id)
            self._send(connection, view.id, CARD, expert)
            self._record(connection, asked_by, "run.escalated", view, {"expert": expert})
        made = load_escalation(connection, view.id)
        if made is None:
            raise UnknownRun(view.id)
        return made

    async def draft(self, actor: Actor, run_id: str) -> ReplyDraft:
        """What a reply starts from. Raises Outsider, NotAuthorized, UnknownRun, RepliedAlready."""

        def look(connection: Connection) -> ReplyDraft:
            found = self._waiting(connection, actor, run_id)
            read = self._catalogue.resolve(connection, found.row.workflow).collections()
            mine = (name for name in read if self._may_write(connection, actor, name))
            title = " ".join(question_of(found.run.inputs).split())[:120].rstrip(" ?")
            return ReplyDraft(found, title, tuple(mine))

        return await self._store.read(look)

    async def reply(
        self, actor: Actor, run_id: str, text: str, *, collection: str, title: str, origin: Origin
    ) -> str:
        """Answer the person who asked; with a collection, propose it as a document too and return the change.

        Two who answer at once propose one document. Raises as `draft`, and NothingToWrite, and as proposing.
        """
        if not text.strip():
            raise NothingToWrite("text")
        await self._store.read(lambda connection: self._waiting(connection, actor, run_id))
        change = await self._propose(actor, run_id, text, collection, title, origin) if collection else ""

        def act(connection: Connection) -> None:
            self._settle(connection, actor, run_id, EscalationState.ANSWERED, text.strip(), change)

        await self._store.write(act)
        self._outgoing.ring()
        return change

    async def _propose(
        self, actor: Actor, run_id: str, text: str, collection: str, title: str, origin: Origin
    ) -> str:
        if not title.strip():
            raise NothingToWrite("title")
        path = await self._store.read(lambda connection: free_path(connection, collection, title))
        change = await self._proposals.propose(
            actor,
            Target("document", f"{collection}/{path}"),
            f"# {' '.join(title.split())}\n\n{text.strip()}\n",
            reason=f"A question was not covered (run {run_id}).",
            origin=origin,
            key=f"escalation:{run_id}",
        )
        return change.id

    async def decline(self, actor: Actor, run_id: str) -> None:
        """Say that one cannot answer. Raises as `draft`."""

        def act(connection: Connection) -> None:
            self._settle(connection, actor, run_id, EscalationState.DECLINED)

        await self._store.write(act)
        self._outgoing.ring()

    def _settle(
        self,
        connection: Connection,
        actor: Actor,
        run_id: str,
        status: EscalationState,
        reply: str = "",
        change: str = "",
    ) -> None:
        found = self._waiting(connection, actor, run_id)
        if not escalations_log.settle_escalation(
            connection, run_id, status, by=actor.id, at=self._clock.now(), reply=reply, change_id=change
        ):
            # somebody else answered between the look and the write
            raise RepliedAlready(self._waiting(connection, actor, run_id).row)
        outbox_log.redraw(connection, subject_of(run_id))
        self._send(connection, run_id, REPLY, found.row.asked_by)
        context: dict[str, Json] = {"change": change} if change else {}
        self._record(connection, actor.id, f"escalation.{status.value}", found.run, context)

    async def after_applied(self, change: ChangeView) -> None:
        """Have the question asked again for everybody whom the same gap met; twice does nothing twice."""
        if change.label == PRODUCTION and change.target.kind == "document":
            await self._store.write(lambda connection: self._close_gap(connection, change))

    def _close_gap(self, connection: Connection, change: ChangeView) -> None:
        now, noted = self._clock.now(), 0
        found = escalations_log.escalations_of(connection, change.id)
        said = {"effect": change.effect, "by": change.author, "target": str(change.target), GAP: True}
        for row in found:
            askers = escalations_log.same_topic(connection, row.run_id, now - LOOKED_BACK, MOST)
            noted += sum(
                fixes_log.insert_fix(connection, run_id, person, change.id, said, now)
                for run_id, person in askers
                if is_person(person)
            )
            outbox_log.redraw(connection, subject_of(row.run_id))
        escalations_log.mark_known(connection, change.id)
        if noted:
            context: dict[str, Json] = {"questions": noted}
            target = f"change:{change.id}"
            audit_log.append_event(
                connection, actor=ITSELF, action="gap.closed", target=target, context=context, at=now
            )

    def _waiting(self, connection: Connection, actor: Actor, run_id: str) -> Escalation:
        """Of whom it was asked, or an owner. Raises Outsider, NotAuthorized, UnknownRun, RepliedAlready."""
        if actor.is_outsider:
            raise Outsider(actor.id)
        row = escalations_log.find_escalation(connection, run_id)
        if row is None or actor.id != row.expert:
            scope = f"workflow:{row.workflow}" if row else "*"
            self._access.authorise(connection, actor, Permission.TRIAGE, scope)
        found = load_escalation(connection, run_id)
        if found is None:
            raise UnknownRun(run_id)
        if found.row.status is not EscalationState.ASKED:
            raise RepliedAlready(found.row)
        return found

    def _may_write(self, connection: Connection, actor: Actor, collection: str) -> bool:
        return self._access.may(connection, actor, Permission.EDIT_KNOWLEDGE, f"collection:{collection}")

    def _send(self, connection: Connection, run_id: str, kind: str, person: str) -> None:
        item = outbox_log.NewItem(
            id=opaque_ids.message_id(run_id, kind), kind=kind, channel=person, subject=subject_of(run_id)
        )
        outbox_log.insert_item(connection, item, self._clock.now())

    def _record(
        self, connection: Connection, actor: str, action: str, view: RunView, context: dict[str, Json]
    ) -> None:
        audit_log.append_event(
            connection,
            actor=actor,
            action=action,
            target=f"run:{view.id}",
            context={"workflow": view.workflow, **context},
            at=self._clock.now(),
        )


def subject_of(run_id: str) -> str:
    """What the messages about a question are about."""
    return f"{SUBJECT}:{run_id}"


def expert_for(answer: Answer, grants: Iterable[Grant], workflow: str, asker: str) -> str:
    """Whom to ask: the owner of the nearest document, else of the workflow, never the asker; "" for none."""
    named = (*near_owners(answer), *owners_of(grants, workflow))
    return next((person for person in named if person != asker), "")


def load_escalation(connection: Connection, run_id: str) -> Escalation | None:
    """A question as it stands with whom it was asked; None when it was handed to nobody."""
    row = escalations_log.find_escalation(connection, run_id)
    if row is None:
        return None
    since = row.created_at - LOOKED_BACK
    others = escalations_log.same_topic(connection, run_id, since, MOST)
    return Escalation(row, load_view(connection, run_id), len(others))
