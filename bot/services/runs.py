"""Asking for runs, following them, stopping them and sharing what they answered."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from bot.adapters.correlation import correlated, correlation, correlation_for
from bot.adapters.observing import Observers, RunRefused
from bot.adapters.queue.wakeup import RunQueue, WakeUp
from bot.adapters.store import audit_log, outbox_log, run_log
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.late_rows import Put, put_late, put_now
from bot.governance.admission import QueueFull
from bot.governance.roles import Permission
from bot.services import opaque_ids, run_views
from bot.services.access import Access, NotAuthorized, Outsider
from bot.services.actors import Actor, Origin
from bot.services.admitting import ANYTHING, Admission
from bot.services.audience import refuse_unreadable
from bot.services.catalogue import Catalogue, Released
from bot.services.discretion import AnswerWithheld, Discretion
from bot.services.preferences import Answers, answers_of
from bot.services.readers import reads_there
from bot.services.run_views import Explanation, RunView
from workflows.ports import Clock

log = structlog.get_logger(__name__)

SILENT = frozenset({"terminal", "api"})
"""Surfaces that show the answer themselves, so nothing is posted."""
MARKED_LOOK_S, MARKED_LOOKS = 0.05, 20
"""How often and how many times to look for the record of a message that is being posted."""


class AlreadyFinished(Exception):
    """The run has ended; fact `status` says how."""

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(run_id)
        self.facts = {"run": run_id, "status": status}


class NothingToShare(Exception):
    """The run has no answer, or it stands where others read it already."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.facts = {"run": run_id}


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What somebody asks for."""

    dedupe_key: str
    """The same for each delivery of one request, and for nothing else."""
    actor: Actor
    workflow: str
    inputs: Mapping[str, str]
    origin: Origin
    follows: str = ""
    """The run whose thread this continues."""
    is_unseen: bool = False
    """No message is posted: whoever asks looks at the answer first."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request is on record and will be run once."""

    run_id: str
    duplicate: bool
    position: int
    """Place in the queue, from 1; 0 when it no longer waits."""
    wait_s: float | None = None
    """Seconds until it probably starts, 0 for at once; None when nobody can tell."""


class Runs:
    """The use cases around a run."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        access: Access,
        clock: Clock,
        queue: RunQueue,
        outgoing: WakeUp,
        admission: Admission = ANYTHING,
        observers: Observers | None = None,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._access = access
        self._clock = clock
        self._queue = queue
        self._outgoing = outgoing
        self._admission = admission
        self._observers = observers or Observers()

    async def opening(self, actor: Actor, workflow: str) -> tuple[Released, Answers]:
        """The workflow as this person gets it, and where they want answers: all that reading a request takes.

        Raises UnknownWorkflow, WorkflowRetired, NotInPilot.
        """

        def look(connection: Connection) -> tuple[Released, Answers]:
            return self._catalogue.find_in(connection, workflow, actor), answers_of(connection, actor.id)

        return await self._store.read(look)

    async def accept(self, request: RunRequest) -> Accepted:
        """Record a request and queue its run in one transaction; a second delivery finds the first's run.

        Raises Outsider, NotAuthorized, UnknownWorkflow, WorkflowRetired, NotInPilot, InvalidInputs; QueueFull
        when too much waits already.
        """
        with correlated(correlation() or correlation_for(request.dedupe_key)):
            accepted = await self._store.write(lambda connection: self._accept(connection, request))
            if isinstance(accepted, QueueFull):
                self._observers.tell(RunRefused(request.workflow, accepted.why))
                raise accepted
            log.info(
                "run.accepted",
                run=accepted.run_id,
                workflow=request.workflow,
                surface=request.origin.surface,
                duplicate=accepted.duplicate,
            )
        if not accepted.duplicate:
            self._queue.ring()
            self._outgoing.ring()
        return accepted

    def _accept(self, connection: Connection, request: RunRequest) -> Accepted | QueueFull:
        known = run_log.find_request(connection, request.dedupe_key)
        if known is not None:
            return self._known(connection, known)
        if request.actor.is_outsider:
            raise Outsider(request.actor.id)
        released = self._catalogue.find_in(connection, request.workflow)
        self._access.authorise(connection, request.actor, Permission.RUN, f"workflow:{released.name}")
        released = self._catalogue.find_in(connection, request.workflow, request.actor)
        released.face.read_inputs(request.inputs)
        try:
            place = self._admission.place(
                connection, request.actor.id, released.name, always=request.is_unseen
            )
        except QueueFull as error:
            # raised here it would take back, and so slow down, the others that share the commit
            return error
        return Accepted(self._queue_run(connection, request, released), False, place.position, place.wait_s)

    def _known(self, connection: Connection, run_id: str) -> Accepted:
        view = run_views.load_view(connection, run_id, self._admission.shares)
        return Accepted(run_id, True, view.position, view.wait_s)

    def _queue_run(self, connection: Connection, request: RunRequest, released: Released) -> str:
        now = self._clock.now()
        run = run_log.NewRun(
            id=opaque_ids.run_id(),
            workflow=released.name,
            version=released.version,
            title=released.title,
            inputs=request.inputs,
            actor_id=request.actor.id,
            actor=request.actor.as_json(),
            origin=request.origin.as_json(),
            follows=request.follows,
            label=released.label,
        )
        run_log.insert_run(connection, run, request.dedupe_key, now, put_late)
        if request.origin.surface not in SILENT and not request.is_unseen:
            outbox_log.insert_item(connection, _message(run.id, request), now, put_late)
        self._queue.announce(connection, run.id)
        context = {"workflow": run.workflow, "surface": request.origin.surface, "follows": request.follows}
        self._record(connection, request.actor.id, "run.requested", run.id, context, put_late)
        return run.id

    def _record(
        self,
        connection: Connection,
        actor: str,
        action: str,
        run_id: str,
        context: Mapping[str, str],
        put: Put = put_now,
    ) -> None:
        audit_log.append_event(
            connection,
            actor=actor,
            action=action,
            target=f"run:{run_id}",
            context=dict(context),
            at=self._clock.now(),
            put=put,
        )

    async def cancel(self, actor: Actor, run_id: str) -> RunView:
        """Stop a run: at once while it waits, within a second while it works.

        Raises Outsider, NotAuthorized, UnknownRun, AlreadyFinished.
        """

        def act(connection: Connection) -> RunView:
            view = self._visible(connection, actor, run_id, Permission.CANCEL_RUNS)
            now = self._clock.now()
            if not run_log.cancel_waiting(connection, run_id, now) and not run_log.request_cancel(
                connection, run_id, now
            ):
                raise AlreadyFinished(run_id, view.status.value)
            self._record(connection, actor.id, "run.cancelled", run_id, {"workflow": view.workflow})
            return run_views.load_view(connection, run_id)

        view = await self._store.write(act)
        self._queue.ring()
        self._outgoing.ring()
        return view

    def _visible(self, connection: Connection, actor: Actor, run_id: str, permission: Permission) -> RunView:
        """One's own run without a right, so that taking a role away hides no answer; others' with one."""
        view = run_views.load_view(connection, run_id)
        if actor.is_outsider or actor.id != view.actor.id:
            self._access.authorise(connection, actor, permission, f"workflow:{view.workflow}")
        return view

    async def view(self, run_id: str) -> RunView:
        """One run. Raises UnknownRun."""
        shares = self._admission.shares
        return await self._store.read(lambda connection: run_views.load_view(connection, run_id, shares))

    async def recent(self, actor: Actor, limit: int = 10, *, is_open: bool = False) -> tuple[RunView, ...]:
        """The actor's own runs, newest first; on request only those that have not ended."""

        def look(connection: Connection) -> tuple[RunView, ...]:
            rows = run_log.recent_runs(connection, actor.id, limit, is_open=is_open)
            return run_views.load_views(connection, rows, self._admission.shares)

        return await self._store.read(look)

    async def explain(self, actor: Actor, run_id: str) -> Explanation:
        """How an answer came about, for whoever may read the answer.

        Raises Outsider, NotAuthorized, UnknownRun.
        """

        def look(connection: Connection) -> Explanation:
            explanation = run_views.explain(connection, run_id, self._admission.shares)
            if not any(reads_there(actor, place) for place in explanation.places):
                self._visible(connection, actor, run_id, Permission.SEE_RUNS)
            return replace(explanation, titles=self._titles(connection, explanation.run))

        return await self._store.read(look)

    async def explain_answer(self, actor: Actor, run_id: str) -> Explanation:
        """The same for whoever may also read the documents that the answer was made from.

        Raises Outsider, NotAuthorized, UnknownRun, AnswerWithheld.
        """
        explanation = await self.explain(actor, run_id)
        if not await self._store.read(lambda it: Discretion(it, actor).reads_explained(explanation)):
            raise AnswerWithheld(run_id)
        return explanation

    def _titles(self, connection: Connection, run: RunView) -> dict[str, str]:
        if not run.pins:
            return {}
        pinned = self._catalogue.resolve_pins(connection, run.workflow, run.pins)
        return {step.id: step.title for step in pinned.root.steps if step.title}

    async def by_message(self, channel: str, ts: str) -> RunView | None:
        """The run whose message this is."""

        def look(connection: Connection) -> RunView | None:
            run_id = outbox_log.run_of_message(connection, channel, ts)
            return run_views.load_view(connection, run_id) if run_id else None

        return await self._store.read(look)

    async def in_thread(self, channel: str, thread_ts: str, person: str) -> RunView | None:
        """The newest run answered in this thread, or by the message that begins it.

        A reply can overtake the record of the message it is below, which is waited for up to a second.
        """

        def look(connection: Connection) -> tuple[RunView | None, bool]:
            # asked first: what is marked between the two statements is then found by the second
            is_posting = outbox_log.is_posting(connection, (channel, person))
            run_id = outbox_log.run_of_thread(connection, channel, thread_ts)
            return (run_views.load_view(connection, run_id), False) if run_id else (None, is_posting)

        for _ in range(MARKED_LOOKS):
            view, is_posting = await self._store.read(look)
            if not is_posting:
                break
            await asyncio.sleep(MARKED_LOOK_S)
        return view

    async def share(self, actor: Actor, run_id: str, readers: tuple[str, ...] = ()) -> RunView:
        """Post the answer where it was asked for; `readers` are those who read there, () everybody.

        Raises NotAuthorized, UnknownRun, NothingToShare, NotForThisAudience.
        """

        def act(connection: Connection) -> RunView:
            view = run_views.load_view(connection, run_id)
            if actor.id != view.actor.id:
                raise NotAuthorized(Permission.RUN, f"run:{run_id}", (view.actor.id,))
            # an answer that was deleted after its time has no text
            text = view.answer.text if view.answer else ""
            if view.shared or not (text and view.origin.channel_id):
                raise NothingToShare(run_id)
            refuse_unreadable(connection, run_id, readers)
            now = self._clock.now()
            run_log.mark_shared(connection, run_id, now)
            outbox_log.reopen_message(connection, run_id)
            item = outbox_log.NewItem(
                id=opaque_ids.message_id(run_id, "share"),
                kind="share",
                channel=view.origin.channel_id,
                thread_ts=view.origin.thread_ts,
                run_id=run_id,
                body={"readers": list(readers)},
            )
            outbox_log.insert_item(connection, item, now)
            self._record(connection, actor.id, "run.shared", run_id, {"channel": view.origin.channel_id})
            return run_views.load_view(connection, run_id)

        view = await self._store.write(act)
        self._outgoing.ring()
        return view


def _message(run_id: str, request: RunRequest) -> outbox_log.NewItem:
    """The run's one message: in the asker's own conversation unless the answer is for the channel."""
    origin = request.origin
    stays = origin.visibility == "channel" or origin.surface == "dm" or origin.channel_id.startswith("D")
    return outbox_log.NewItem(
        id=opaque_ids.message_id(run_id, "run"),
        kind="run",
        channel=origin.channel_id if stays else request.actor.id,
        thread_ts=origin.thread_ts if stays else "",
        run_id=run_id,
    )
