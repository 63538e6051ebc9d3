"""Evaluations that people ask for in chat: put down at once, carried out by a worker, shown as they go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, evaluations_log, outbox_log
from bot.adapters.store.database import Store
from bot.adapters.store.evaluations_log import QUEUED, NewEvaluation
from bot.adapters.store.row_codec import failure_from
from bot.governance.roles import Permission
from bot.quality.evaluation import EvaluationReport
from bot.services import opaque_ids
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue, UnknownWorkflow
from bot.services.evaluating import UnknownEvaluation
from workflows.ports import Clock
from workflows.run import Failure

SUBJECT = "evaluation"
"""First word of the subject of messages about one."""


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """An evaluation as its message shows it."""

    id: str
    workflow: str
    title: str
    label: str
    status: str
    asked_by: str
    done: int
    total: int
    created_at: datetime
    report: EvaluationReport | None
    failure: Failure | None = None
    """The error that ended it."""


class EvaluationRequests:
    """Puts down what is to be evaluated, and shows how far it is."""

    def __init__(
        self,
        store: Store,
        access: Access,
        catalogue: Catalogue,
        clock: Clock,
        bell: WakeUp,
        outgoing: WakeUp,
    ) -> None:
        self._store = store
        self._access = access
        self._catalogue = catalogue
        self._clock = clock
        self._bell = bell
        self._outgoing = outgoing

    async def ask(self, actor: Actor, workflow: str, channel: str, *, key: str, label: str = "") -> str:
        """Have a workflow evaluated and told of in a channel; returns the evaluation's id.

        Without a label, what is in production, or the candidate of a workflow that is not there yet. The
        same key, of one request delivered twice, is the same evaluation. Raises UnknownWorkflow,
        NotAuthorized, Outsider.
        """

        def act(connection: Connection) -> str:
            released = self._catalogue.find_in(connection, workflow)
            name = released.name
            self._access.authorise(connection, actor, Permission.EVALUATE, f"workflow:{name}")
            message = opaque_ids.message_id(key, SUBJECT)
            earlier = outbox_log.subject_of_item(connection, message)
            if earlier:
                return earlier.partition(":")[2]
            return self._queue(connection, actor, name, channel, label or released.label, message)

        found = await self._store.write(act)
        self._bell.ring()
        self._outgoing.ring()
        return found

    def _queue(
        self, connection: Connection, actor: Actor, workflow: str, channel: str, label: str, message: str
    ) -> str:
        now, made = self._clock.now(), opaque_ids.evaluation_id()
        evaluations_log.insert_evaluation(
            connection, NewEvaluation(made, workflow, "command", label, actor.id, QUEUED, {}, {}), now
        )
        item = outbox_log.NewItem(id=message, kind=SUBJECT, channel=channel, subject=f"{SUBJECT}:{made}")
        outbox_log.insert_item(connection, item, now)
        audit_log.append_event(
            connection,
            actor=actor.id,
            action="evaluation.requested",
            target=f"workflow:{workflow}",
            context={"evaluation": made, "label": label},
            at=now,
        )
        return made

    async def stop(self, actor: Actor, evaluation_id: str) -> bool:
        """End one before its time; False when it has ended. Raises as `view`."""

        def act(connection: Connection) -> bool:
            found = self._visible(connection, actor, evaluation_id)
            now = self._clock.now()
            if not evaluations_log.stop_evaluation(connection, evaluation_id, now):
                return False
            audit_log.append_event(
                connection,
                actor=actor.id,
                action="evaluation.stopped",
                target=f"workflow:{found.workflow}",
                context={"evaluation": evaluation_id},
                at=now,
            )
            outbox_log.redraw(connection, f"{SUBJECT}:{evaluation_id}")
            return True

        stopped = await self._store.write(act)
        self._outgoing.ring()
        return stopped

    async def view(self, actor: Actor, evaluation_id: str) -> EvaluationView:
        """One evaluation, for whoever may evaluate its workflow.

        Raises UnknownEvaluation, NotAuthorized, Outsider.
        """

        return await self._store.read(lambda connection: self._visible(connection, actor, evaluation_id))

    def _visible(self, connection: Connection, actor: Actor, evaluation_id: str) -> EvaluationView:
        found = self.load(connection, evaluation_id)
        if found is None:
            raise UnknownEvaluation(evaluation_id)
        self._access.authorise(connection, actor, Permission.EVALUATE, f"workflow:{found.workflow}")
        return found

    def load(self, connection: Connection, evaluation_id: str) -> EvaluationView | None:
        """One evaluation for its message; None when there is none."""
        row = evaluations_log.read_evaluation(connection, evaluation_id)
        if row is None:
            return None
        kept: Mapping[str, Any] = row.report
        return EvaluationView(
            id=row.id,
            workflow=row.workflow,
            title=self._title(connection, row.workflow),
            label=row.label,
            status=row.status,
            asked_by=row.asked_by,
            done=row.cases_done,
            total=row.cases_total,
            created_at=row.created_at,
            report=EvaluationReport.from_json(kept) if "rows" in kept else None,
            failure=failure_from(kept) if "kind" in kept else None,
        )

    def _title(self, connection: Connection, workflow: str) -> str:
        try:
            return self._catalogue.find_in(connection, workflow).title
        except UnknownWorkflow:
            return workflow
