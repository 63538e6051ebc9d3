"""A run as people are shown it, put together from its row, its message and its ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.store.database import Connection
from bot.adapters.store.explain_facts import shared_with
from bot.adapters.store.ledger import Consumed, read_calls, sum_usage
from bot.adapters.store.outbox_log import messages_of
from bot.adapters.store.queue_line import NOWHERE, Place, places
from bot.adapters.store.row_codec import answer_from, failure_from
from bot.adapters.store.run_log import RunRow, read_run
from bot.adapters.store.run_turns import FREELY, Shares
from bot.adapters.store.step_log import read_steps
from bot.adapters.store.versions_log import PRODUCTION
from bot.services.actors import Actor, Origin
from workflows.run import Answer, Ending, Failure, RunStatus, StepRun, Usage, ending_of


class UnknownRun(Exception):
    """No run has that id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.facts = {"run": run_id}


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything about a run that a message, a receipt or a list shows."""

    id: str
    workflow: str
    title: str
    version: int
    status: RunStatus
    actor: Actor
    origin: Origin
    inputs: Mapping[str, str]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    step_number: int
    """From 1; 0 before the first step."""
    step_total: int
    step_title: str
    position: int
    """Place in the queue, from 1; 0 when not queued."""
    answer: Answer | None
    usage: Usage
    failure: Failure | None
    message_channel: str
    """Where the run's own message stands; empty until it is posted."""
    message_ts: str
    pins: Mapping[str, Any]
    shared: bool
    cancelling: bool
    """Somebody asked it to stop and the worker has not yet done so."""
    follows: str = ""
    """The run it continues."""
    label: str = PRODUCTION
    """Whose versions it ran on: those of production, or the candidate that a pilot tries out."""
    is_priced: bool = True
    """False when a call had no known price, so that the cost is too low."""
    is_escalated: bool = False
    """Whether its question was handed to a person."""
    waits_for: Failure | None = None
    """Why it is queued again: no model answered."""
    again_at: datetime | None = None
    """When it is tried again at the latest, if so."""
    wait_s: float | None = None
    """Seconds until it probably starts, 0 for at once; None when nobody can tell, or it is not queued."""

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it has not."""
        return Ending.ESCALATED if self.is_escalated else ending_of(self.status, self.answer)


@dataclass(frozen=True, slots=True)
class Explanation:
    """How an answer came about."""

    run: RunView
    steps: tuple[StepRun, ...]
    calls: tuple[LedgerEntry, ...]
    titles: Mapping[str, str] = field(default_factory=dict)
    """Step id to its title in the version that ran."""
    shared: Origin | None = None
    """Where it was shared, with those who read there then."""

    @property
    def places(self) -> tuple[Origin, ...]:
        """Where its answer stands."""
        return (self.run.origin, self.shared) if self.shared else (self.run.origin,)


def load_view(connection: Connection, run_id: str, shares: Shares = FREELY) -> RunView:
    """One run. Raises UnknownRun."""
    row = read_run(connection, run_id)
    if row is None:
        raise UnknownRun(run_id)
    return load_views(connection, (row,), shares)[0]


def load_views(
    connection: Connection, rows: Iterable[RunRow], shares: Shares = FREELY
) -> tuple[RunView, ...]:
    """Views of rows already read, in their order; `shares` count for how long queued ones wait."""
    rows = tuple(rows)
    ids = [row.id for row in rows]
    queued = [row.id for row in rows if row.status == RunStatus.QUEUED]
    standing = places(connection, queued, shares) if queued else {}
    messages = messages_of(connection, ids)
    consumed = sum_usage(connection, ids)
    return tuple(
        _view(
            row,
            place=standing.get(row.id, NOWHERE),
            message=messages.get(row.id, ("", "")),
            consumed=consumed.get(row.id, Consumed()),
        )
        for row in rows
    )


def explain(connection: Connection, run_id: str, shares: Shares = FREELY) -> Explanation:
    """One run with its steps and its calls to models. Raises UnknownRun."""
    view = load_view(connection, run_id, shares)
    return Explanation(
        view,
        tuple(read_steps(connection, run_id).values()),
        read_calls(connection, run_id),
        shared=_shared(connection, view) if view.shared else None,
    )


def _shared(connection: Connection, run: RunView) -> Origin | None:
    """None where nobody wrote down who read there, as in what was shared by an older release."""
    readers = shared_with(connection, run.id)
    return None if readers is None else replace(run.origin, visibility="channel", readers=readers)


def _view(row: RunRow, *, place: Place, message: tuple[str, str], consumed: Consumed) -> RunView:
    failure, is_put_off = failure_from(row.failure), row.put_off > 0 and row.status == RunStatus.QUEUED
    return RunView(
        id=row.id,
        workflow=row.workflow,
        title=row.title,
        version=row.version,
        status=RunStatus(row.status),
        actor=Actor.from_json(row.actor),
        origin=Origin.from_json(row.origin),
        inputs=row.inputs,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        step_number=row.step_number,
        step_total=row.step_total,
        step_title=row.step_title,
        position=place.position,
        wait_s=place.wait_s,
        answer=answer_from(row.answer),
        usage=consumed.usage,
        failure=failure if row.finished_at is not None else None,
        message_channel=message[0],
        message_ts=message[1],
        pins=row.pins,
        shared=row.shared_at is not None,
        cancelling=row.cancel_requested_at is not None and row.finished_at is None,
        follows=row.follows,
        label=row.label,
        is_priced=consumed.is_priced,
        is_escalated=row.ending == Ending.ESCALATED.value,
        waits_for=failure if is_put_off else None,
        again_at=row.due_at if is_put_off else None,
    )
