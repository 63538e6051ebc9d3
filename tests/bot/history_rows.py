"""Runs put straight into the store, for tests of what looks at many of them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, insert

from bot.adapters.store.ledger import ledger
from bot.adapters.store.row_codec import answer_json, failure_json
from bot.adapters.store.run_log import runs
from bot.adapters.store.scores import Score, write_score
from bot.adapters.store.step_log import steps
from bot.services.actors import Actor, Origin
from knowledge.document import Citation
from tests.fakes import passage
from workflows.run import Answer, Failure, RunStatus, ending_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Past:
    """One run as it is in the store, with what people said of it."""

    id: str
    workflow: str = "ask-policy"
    person: str = "U0ANA"
    status: RunStatus = RunStatus.SUCCEEDED
    question: str = "How many days of leave?"
    text: str = "Five days."
    abstained: bool = False
    asked_at: datetime = NOW - timedelta(days=1)
    votes: dict[str, int] = field(default_factory=dict)
    """Person to 1 or -1."""
    collections: tuple[str, ...] = ("people",)
    origin: Origin = field(default_factory=lambda: Origin("command", "T0SPAN"))
    failure: Failure | None = None

    @property
    def answer(self) -> Answer | None:
        """What it came to."""
        if self.status is not RunStatus.SUCCEEDED:
            return None
        cited = tuple(
            Citation(number, passage(number, collection=name))
            for number, name in enumerate(self.collections, 1)
        )
        outcome = "not_covered" if self.abstained else "covered"
        return Answer(
            self.text,
            outcome,
            cited,
            rule="The handbook covers this",
            model="writer",
            support=0.8,
            abstained=self.abstained,
            searched=self.collections,
        )

    @property
    def is_finished(self) -> bool:
        """Whether it ended."""
        return self.status in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)


def insert_past(connection: Connection, past: Past) -> None:
    """The run with a step, a call and its votes."""
    ended = past.asked_at + timedelta(seconds=3) if past.is_finished else None
    ending = ending_of(past.status, past.answer)
    values: dict[str, Any] = {
        "id": past.id,
        "workflow": past.workflow,
        "version": 3,
        "title": past.workflow.replace("-", " ").capitalize(),
        "inputs": {"question": past.question},
        "actor_id": past.person,
        "actor": Actor(past.person, past.person[2:].capitalize()).as_json(),
        "origin": past.origin.as_json(),
        "follows": "",
        "pins": {},
        "status": past.status.value,
        "owner": "",
        "fence": 0,
        "attempts": 1,
        "due_at": past.asked_at,
        "step_number": 1,
        "step_total": 1,
        "step_title": "",
        "revision": 1,
        "answer": answer_json(past.answer),
        "failure": failure_json(past.failure),
        "created_at": past.asked_at,
        "started_at": past.asked_at + timedelta(seconds=1),
        "finished_at": ended,
        "ending": ending.value if ending else None,
    }
    connection.execute(insert(runs).values(values))
    if past.is_finished:
        _insert_step(connection, past)
    for person, value in past.votes.items():
        write_score(connection, Score(past.id, "vote", f"person:{person}", value, "so it is"), past.asked_at)


def _insert_step(connection: Connection, past: Past) -> None:
    at = past.asked_at + timedelta(seconds=1)
    found = [
        {"document_id": f"d{number}", "collection": name, "title": "Leave", "text": "Secret words."}
        for number, name in enumerate(past.collections, 1)
    ]
    step = {
        "run_id": past.id,
        "step_id": "find",
        "position": 0,
        "fence": 0,
        "kind": "retrieve",
        "status": "succeeded",
        "output": {"passages": found, "support": 0.8},
        "started_at": at,
        "finished_at": at + timedelta(seconds=1),
        "attempts": 1,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": Decimal(0),
        "model": "",
        "because": "",
    }
    connection.execute(insert(steps).values(step))
    call = {
        "run_id": past.id,
        "step_id": "answer",
        "purpose": "answer",
        "alias": "default",
        "model": "writer",
        "input_tokens": 100,
        "output_tokens": 20,
        "cost_usd": Decimal("0.0012"),
        "started_at": at,
        "seconds": 0.5,
        "outcome": "ok",
        "priced": True,
        "workflow": past.workflow,
        "person": past.person,
    }
    connection.execute(insert(ledger).values(call))
