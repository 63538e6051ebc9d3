"""Audit events as a file: CSV for a spreadsheet, JSON lines for checking the chain elsewhere."""

import json
from collections.abc import Iterable
from typing import Literal

from bot.adapters.store.audit_search import SealedEvent
from bot.adapters.store.tables import canonical_json
from bot.services.table_files import csv_lines

Format = Literal["csv", "jsonl"]
FORMATS: tuple[Format, ...] = ("csv", "jsonl")
COLUMNS = ("seq", "occurred_at", "actor", "action", "target", "context", "previous_hash", "hash")


def written(events: Iterable[SealedEvent], form: Format) -> str:
    """The whole file."""
    return _csv(events) if form == "csv" else _json_lines(events)


def _csv(events: Iterable[SealedEvent]) -> str:
    return csv_lines([COLUMNS, *(_values(sealed).values() for sealed in events)])


def _json_lines(events: Iterable[SealedEvent]) -> str:
    return "".join(
        json.dumps({**_values(sealed), "context": dict(sealed.event.context)}, ensure_ascii=False) + "\n"
        for sealed in events
    )


def _values(sealed: SealedEvent) -> dict[str, str | int]:
    event = sealed.event
    return {
        "seq": event.seq,
        "occurred_at": event.occurred_at.isoformat(timespec="microseconds"),
        "actor": event.actor,
        "action": event.action,
        "target": event.target,
        "context": canonical_json(dict(event.context)),
        "previous_hash": sealed.previous_hash,
        "hash": event.hash,
    }
