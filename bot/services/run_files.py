"""Runs as lines of a file: CSV for a spreadsheet, JSON lines with everything for other programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from bot.adapters.store.ledger import Consumed
from bot.adapters.store.run_log import RunRow
from bot.adapters.store.scores import Score
from bot.adapters.store.tables import canonical_json
from bot.services.audit_files import Format
from bot.services.complaints import VOTE
from bot.services.table_files import csv_lines
from workflows.run import StepRun

Content = Literal["kept", "deleted", "withheld"]
"""Whether what was asked and answered is there; deleted after its time; not for whoever took the file."""

COLUMNS = (
    *("run", "asked_at", "started_at", "ended_at", "seconds", "workflow", "version", "label"),
    *("person", "name", "surface", "channel", "status", "ending", "outcome", "rule", "content"),
    *(
        "asked",
        "answer",
        "sources",
        "steps",
        "model",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "is_priced",
    ),
    *("votes_up", "votes_down", "failure", "versions"),
)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run with everything that a file says of it."""

    row: RunRow
    content: Content
    consumed: Consumed = field(default_factory=Consumed)
    steps: Sequence[StepRun] = ()
    scores: Sequence[Score] = ()
    """Votes, reasons and corrections of people."""

    @property
    def answer(self) -> Mapping[str, Any]:
        """As the store has it, without its words where they are withheld."""
        found: Mapping[str, Any] = self.row.answer or {}
        return found if self.content != "withheld" else {**found, "text": "", "citations": [], "notes": []}

    @property
    def seconds(self) -> float | None:
        """From its start to its end."""
        row = self.row
        return _seconds(row.started_at or row.created_at, row.finished_at) if row.finished_at else None

    def votes(self, side: int) -> int:
        """How many stand for it (1) or against it (-1)."""
        return sum(score.name == VOTE and score.value * side > 0 for score in self.scores)


def heading(form: Format) -> str:
    """What the file begins with."""
    return csv_lines([COLUMNS]) if form == "csv" else ""


def lines(records: Sequence[RunRecord], form: Format) -> str:
    """Runs as lines."""
    if form == "csv":
        return csv_lines(map(_row, records))
    return "".join(json.dumps(_whole(record), ensure_ascii=False) + "\n" for record in records)


def _row(record: RunRecord) -> Sequence[object]:
    row, answer, usage = record.row, record.answer, record.consumed.usage
    found = {
        **_facts(record),
        "asked": asked_of(row.inputs),
        "answer": answer.get("text", ""),
        "sources": "; ".join(map(_source, answer.get("citations", ()))),
        "steps": "; ".join(
            f"{step.step_id} {step.status.value} {_took(step):.3f} s" for step in record.steps
        ),
        "model": answer.get("model", ""),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": _dollars(usage.cost_usd),
        "is_priced": record.consumed.is_priced,
        "votes_up": record.votes(1),
        "votes_down": record.votes(-1),
        "failure": (row.failure or {}).get("kind", ""),
        "versions": canonical_json(row.pins),
    }
    return [found[name] for name in COLUMNS]


def _facts(record: RunRecord) -> dict[str, object]:
    """What both forms say alike."""
    row, answer = record.row, record.answer
    return {
        "run": row.id,
        "asked_at": _moment(row.created_at),
        "started_at": _moment(row.started_at),
        "ended_at": _moment(row.finished_at),
        "seconds": record.seconds,
        "workflow": row.workflow,
        "version": row.version,
        "label": row.label,
        "person": row.actor_id,
        "name": row.actor.get("name", ""),
        "surface": row.origin.get("surface", ""),
        "channel": row.origin.get("channel_id", ""),
        "status": row.status,
        "ending": row.ending or "",
        "outcome": answer.get("outcome", ""),
        "rule": answer.get("rule", ""),
        "content": record.content,
    }


def _whole(record: RunRecord) -> dict[str, object]:
    row, answer, usage = record.row, record.answer, record.consumed.usage
    return {
        **_facts(record),
        "inputs": row.inputs,
        "answer": answer.get("text", ""),
        "model": answer.get("model", ""),
        "support": answer.get("support"),
        "citations": [{"number": each["number"], **each["passage"]} for each in answer.get("citations", ())],
        "steps": [_step(step, is_open=record.content == "kept") for step in record.steps],
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": _dollars(usage.cost_usd),
        "is_priced": record.consumed.is_priced,
        "scores": [
            {"name": score.name, "by": score.source, "value": score.value, "reason": score.reason}
            for score in record.scores
        ],
        "failure": row.failure,
        "versions": row.pins,
        "follows": row.follows,
    }


def _step(step: StepRun, *, is_open: bool) -> dict[str, object]:
    passages = step.output.get("passages") if is_open else None
    found = [each for each in passages if isinstance(each, dict)] if isinstance(passages, list) else []
    return {
        "step": step.step_id,
        "kind": step.kind,
        "status": step.status.value,
        "started_at": _moment(step.started_at),
        "seconds": _took(step),
        "because": step.because,
        "model": step.model,
        "input_tokens": step.usage.input_tokens,
        "output_tokens": step.usage.output_tokens,
        "cost_usd": _dollars(step.usage.cost_usd),
        "failure": step.failure.kind if step.failure else "",
        # the words of a passage are in the documents, by version; citations carry those that were shown
        "passages": [{key: each.get(key) for key in _OF_PASSAGE} for each in found],
    }


_OF_PASSAGE = ("document_id", "collection", "title", "headings", "version", "score")


def asked_of(inputs: Mapping[str, Any]) -> str:
    """What was asked, as one text: the value alone where there is one."""
    given = {name: str(value) for name, value in inputs.items()}
    return next(iter(given.values())) if len(given) == 1 else "\n".join(map(": ".join, given.items()))


def _source(citation: Mapping[str, Any]) -> str:
    passage = citation["passage"]
    trail = dict.fromkeys([passage.get("title", ""), *passage.get("headings", ())])
    return f"[{citation['number']}] {' › '.join(trail)} v{passage.get('version', '?')}"


def _took(step: StepRun) -> float:
    return _seconds(step.started_at, step.finished_at)


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)


def _dollars(amount: Decimal) -> str:
    """Every digit that says something, the same from both engines."""
    return format(amount.normalize(), "f")


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="milliseconds") if at else ""
