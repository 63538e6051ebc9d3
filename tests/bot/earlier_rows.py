"""What a database of an earlier revision held in the middle of its work: rows as they were written then."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from workflows.versions import content_hash

THEN = "2026-11-01 09:00:00.000000"
LATER = "2099-01-01 00:00:00.000000"
NOTE = """\
name: note
title: Note
purpose: Says what it was given.
inputs:
  question: {kind: text, label: Your question}
steps:
  - {id: first, kind: template, text: "first {{ inputs.question }}"}
  - {id: say, kind: template, text: "OF {{ first.text }}"}
answer: "{{ say.text }}"
"""
OLD, LIVE, PROPOSED = (NOTE.replace("OF", word) for word in ("old", "live", "proposed"))


def put(connection: Connection, table: str, **values: Any) -> None:
    """One row, in plain SQL."""
    row = {
        key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in values.items()
    }
    names = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), row)


def fill(connection: Connection, revision: str) -> None:
    """Work of every kind that this revision knew."""
    _versions(connection)
    _runs(connection)
    if revision >= "0002":
        _change(connection)
    if revision >= "0003":
        _money(connection)
    if revision >= "0004":
        _insight(connection)


def _versions(connection: Connection) -> None:
    for who, role in (("everyone", "runner"), ("U0EVA", "approver")):
        put(connection, "grants", grantee=who, role=role, scope="*", granted_by="U0DEV", granted_at=THEN)
    for number, content in ((1, OLD), (2, LIVE)):
        put(
            connection,
            "versions",
            id=number,
            kind="workflow",
            name="note",
            number=number,
            content_hash=content_hash(content),
            content=content,
            author="library",
            created_at=THEN,
        )
    label = {"kind": "workflow", "name": "note", "label": "production", "number": 2}
    put(connection, "labels", **label, moved_by="library", moved_at=THEN)


RUNS: Mapping[str, Mapping[str, Any]] = {
    "r_queued": {"status": "queued"},
    "r_running": {
        "status": "running",
        "owner": "a worker of then",
        "lease_until": THEN,
        "fence": 1,
        "attempts": 1,
        "started_at": THEN,
        "pins": {"workflow": {"note": 1}, "prompt": {}, "parameters": {}, "knowledge": {}},
        "version": 1,
    },
    "r_waiting": {"status": "waiting", "fence": 1, "attempts": 1, "started_at": THEN},
    "r_done": {
        "status": "succeeded",
        "fence": 1,
        "attempts": 1,
        "started_at": THEN,
        "finished_at": THEN,
        "answer": {"text": "what was said then", "outcome": "answered", "citations": [], "notes": []},
    },
}


def _runs(connection: Connection) -> None:
    blank: dict[str, Any] = {
        "workflow": "note",
        "version": 2,
        "title": "Note",
        "inputs": {"question": "one"},
        "actor_id": "U0ANA",
        "actor": {"id": "U0ANA", "name": "Ana", "team_id": "T0SPAN", "groups": []},
        "origin": {"surface": "command", "channel_id": "C0PEOPLE", "visibility": "private"},
        **dict.fromkeys(("follows", "owner", "step_title"), ""),
        **dict.fromkeys(("fence", "attempts", "step_number", "step_total"), 0),
        "pins": {},
        "revision": 1,
        "due_at": THEN,
        "created_at": THEN,
    }
    for run_id, values in RUNS.items():
        put(connection, "runs", id=run_id, **{**blank, **values})
        put(connection, "inbox", dedupe_key=f"key of {run_id}", run_id=run_id, received_at=THEN)
    _step(connection)
    _message(connection, "r_queued")
    # a courier that died may have posted it, and nobody marked that
    sent = {"owner": "a courier of then", "lease_until": THEN, "fence": 1, "first_sent_at": THEN}
    _message(connection, "r_running", **sent)
    _message(connection, "r_waiting", state="shown", posted_channel="D1", ts="1.0", shown_revision=1)
    _message(connection, "r_done", state="shown", posted_channel="D1", ts="2.0")


def _step(connection: Connection) -> None:
    put(
        connection,
        "steps",
        run_id="r_running",
        step_id="first",
        position=1,
        fence=1,
        kind="template",
        status="succeeded",
        output={"text": "first, as it was journaled"},
        started_at=THEN,
        finished_at=THEN,
        attempts=1,
        input_tokens=0,
        output_tokens=0,
        cost_usd="0",
        model="",
        because="",
    )


def _message(connection: Connection, run_id: str, **values: Any) -> None:
    blank = {
        "id": f"m_{run_id}",
        "run_id": run_id,
        "kind": "run",
        "channel": "U0ANA",
        "body": {},
        "state": "waiting",
        **dict.fromkeys(("thread_ts", "owner", "posted_channel", "ts", "refusal"), ""),
        **dict.fromkeys(("shown_revision", "fence", "attempts"), 0),
        **dict.fromkeys(("due_at", "quiet_until", "created_at"), THEN),
    }
    put(connection, "outbox", **{**blank, **values})


def _change(connection: Connection) -> None:
    author = {"id": "U0BEN", "name": "Ben", "team_id": "T0SPAN", "groups": []}
    put(
        connection,
        "changes",
        id="c_reviewed",
        kind="workflow",
        name="note",
        label="production",
        base_number=2,
        base_content=LIVE,
        content=PROPOSED,
        content_hash=content_hash(PROPOSED),
        round=1,
        effect="other words",
        reason="better",
        author_id="U0BEN",
        author=author,
        authors=["U0BEN"],
        origin={"surface": "command", "channel_id": "C0PEOPLE"},
        status="in_review",
        why={},
        approvals=1,
        affected=["note"],
        tests={"reports": [], "untested": ["note"], "token": ""},
        is_announced=True,
        fence=1,
        created_at=THEN,
        updated_at=THEN,
        expires_at=LATER,
    )


def _money(connection: Connection) -> None:
    """A budget with dollars set aside for a call whose process died; amounts as whole units."""
    put(
        connection,
        "budgets",
        id="b_all",
        kind="workspace",
        name="",
        period="month",
        limit_usd="100",
        top_ups=[],
        set_by="U0DEV",
        revision=1,
        created_at=THEN,
        changed_at=THEN,
    )
    key = "b_all:2026-11-01"
    put(connection, "budget_balances", key=key, budget_id="b_all", spent_usd=0, reserved_usd=5_000)
    held = {"run_id": "r_running", "fence": 1, "dollars": 5_000, "held": key, "expires_at": THEN}
    put(connection, "reservations", id="v_dead", **held)


def _insight(connection: Connection) -> None:
    put(connection, "heartbeats", process="gone", parts="worker", started_at=THEN, seen_at=THEN)
    put(
        connection,
        "alerts",
        id="a_standing",
        rule="queue",
        scope="",
        facts={"value": 600, "limit": 120, "minutes": 60, "queued": 2},
        raised_at=THEN,
        told_at=THEN,
        judged_at=THEN,
        taken_by="",
    )
