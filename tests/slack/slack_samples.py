"""Workflows and runs that the tests of this folder render and play with."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.adapters.ledger_entry import LedgerEntry
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Released, usage_hint
from bot.services.run_views import Explanation, RunView
from knowledge.document import Citation, Passage
from workflows.definition import load_workflow
from workflows.run import Answer, Failure, RunStatus, StepRun, StepStatus, Usage

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ANA = Actor("U0ANA", "Ana Costa", "T0SPAN")

ASK_POLICY = """
name: ask-policy
title: Ask the people handbook
purpose: Answers questions about leave and expenses from the handbook.
examples: ["How many days of leave can I carry over?"]
inputs:
  question: {kind: text, label: Your question, max_length: 2000, from: message}
steps:
  - {id: say, kind: template, text: "{{ inputs.question }}"}
answer: "{{ say.text }}"
"""

SUMMARISE = """
name: summarise-thread
title: Summarise a thread
purpose: Says in three sentences what a thread is about.
examples: ["Summarise this thread"]
inputs:
  thread: {kind: text, label: The thread, max_length: 60000, from: thread}
steps:
  - {id: say, kind: template, text: "{{ inputs.thread }}"}
answer: "{{ say.text }}"
"""

PLAN_TRIP = """
name: plan-trip
title: Plan a trip
purpose: Checks a trip against the travel policy.
visibility: channel
inputs:
  why: {kind: text, label: Reason for the trip, max_length: 500, help: One sentence is enough.}
  nights: {kind: integer, label: Nights, min: 1, max: 30}
  budget: {kind: number, label: Budget in euros, required: false}
  from_day: {kind: date, label: First day}
  by: {kind: choice, label: Means of travel, choices: [train, plane, car], default: train}
  abroad: {kind: boolean, label: Abroad, default: false}
steps:
  - {id: say, kind: template, text: "{{ inputs.why }}"}
answer: "{{ say.text }}"
"""


def released(text: str = ASK_POLICY, version: int = 3) -> Released:
    workflow = load_workflow(text)
    return Released(
        workflow.name,
        workflow.title,
        workflow.purpose,
        usage_hint(workflow),
        tuple(workflow.examples),
        workflow,
        version,
        lambda: workflow,
    )


def passage(number: int = 1, **changes: Any) -> Passage:
    values = {
        "chunk_id": f"c{number}",
        "document_id": f"d{number}",
        "collection": "people",
        "title": "Annual leave",
        "headings": ("Annual leave", "Carry-over"),
        "location": "Carry-over",
        "text": "Up to five days of unused leave may be carried over and must be taken by 31 March.",
        "version": 3,
        "owner": "U0CHLOE",
        "updated_at": NOW - timedelta(days=12),
        "score": 0.9,
        **changes,
    }
    return Passage(**values)


def answer(text: str = "You may carry over **five days** [1].", **changes: Any) -> Answer:
    values: dict[str, Any] = {
        "outcome": "covered",
        "citations": (Citation(1, passage()),),
        "rule": "The passages found answer the question.",
        "model": "spanwise/quotes",
        "support": 0.83,
        **changes,
    }
    return Answer(text, **values)


def view(**changes: Any) -> RunView:
    values: dict[str, Any] = {
        "id": "r_k2m4n6p8q2r4s6t8",
        "workflow": "ask-policy",
        "title": "Ask the people handbook",
        "version": 3,
        "status": RunStatus.SUCCEEDED,
        "actor": ANA,
        "origin": Origin("command", "T0SPAN", "C0PEOPLE"),
        "inputs": {"question": "How many days of leave can I carry over?"},
        "created_at": NOW - timedelta(seconds=5),
        "started_at": NOW - timedelta(seconds=4),
        "finished_at": NOW - timedelta(seconds=2),
        "step_number": 3,
        "step_total": 3,
        "step_title": "Writing the answer",
        "position": 0,
        "answer": answer(),
        "usage": Usage(900, 60, Decimal("0.0021")),
        "failure": None,
        "message_channel": "D0ANA",
        "message_ts": "1764000000.000100",
        "pins": {
            "workflow": {"ask-policy": 3},
            "prompt": {"ask-policy.answer": 2},
            "knowledge": {"people": 7},
        },
        "shared": False,
        "cancelling": False,
        **changes,
    }
    return RunView(**values)


def unfinished(**changes: Any) -> RunView:
    values: dict[str, Any] = {
        "status": RunStatus.QUEUED,
        "started_at": None,
        "finished_at": None,
        "step_number": 0,
        "answer": None,
        "position": 4,
        "wait_s": 41.0,
        **changes,
    }
    return view(**values)


def failed(kind: str, token: str = "i_ab12cd34", **facts: str) -> RunView:
    return view(status=RunStatus.FAILED, answer=None, failure=Failure(kind, facts, token))


def explanation() -> Explanation:
    def step(step_id: str, kind: str, **changes: Any) -> StepRun:
        values: dict[str, Any] = {"status": StepStatus.SUCCEEDED, "output": {}, **changes}
        start = NOW - timedelta(seconds=4)
        return StepRun(step_id, kind, started_at=start, finished_at=start + timedelta(seconds=1.2), **values)

    found = {
        "document_id": "d1",
        "title": "Annual leave",
        "headings": ["Carry-over"],
        "text": passage().text,
        "owner": "U0CHLOE",
    }
    steps = (
        step("find", "retrieve", output={"support": 0.83, "count": 1, "passages": [{**found, "version": 3}]}),
        step("route", "decide", because="The handbook has passages on this."),
        step("answer", "prompt", model="openai/small", attempts=2),
        step(
            "check", "check", status=StepStatus.FAILED, failure=Failure("ModelTimeout", {"alias": "default"})
        ),
    )
    call = LedgerEntry(
        run_id="r_1",
        step_id="answer",
        purpose="answer",
        alias="default",
        model="openai/small",
        input_tokens=900,
        output_tokens=60,
        cost_usd=Decimal("0.0021"),
        started_at=NOW,
        seconds=1.1,
        outcome="ok",
    )
    return Explanation(view(), steps, (call,))
