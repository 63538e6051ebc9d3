"""Has the database itself keep what happens to runs and steps, so that no process can gloss over it."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from bot.adapters.store import audit_log
from bot.adapters.store.balances_log import balances
from bot.adapters.store.budgets_log import budgets
from bot.adapters.store.ledger import ledger
from bot.services.budget_book import give_back_dead
from tests.faults.history import Held, History, Journaled, Message, Money, Run, Slots, Told

TOKEN = re.compile(r"k\d{6}")
TABLES = (
    "CREATE TABLE seen_runs (n {serial}, run_id TEXT, fence INTEGER, owner TEXT, status TEXT, at {real})",
    "CREATE TABLE seen_steps (n {serial}, run_id TEXT, step_id TEXT, fence INTEGER, run_fence INTEGER, "
    "at {real})",
)
RUN = (
    "INSERT INTO seen_runs(run_id, fence, owner, status, at) "
    "VALUES (NEW.id, NEW.fence, NEW.owner, NEW.status, {now});"
)
STEP = (
    "INSERT INTO seen_steps(run_id, step_id, fence, run_fence, at) "
    "VALUES (NEW.run_id, NEW.step_id, NEW.fence, "
    "(SELECT fence FROM runs WHERE id = NEW.run_id), {now});"
)
MOVED = "NEW.fence <> OLD.fence OR NEW.status <> OLD.status"
DONE = "NEW.status <> 'failed'"
"""One that failed is tried again when its worker dies before the run's end is on record."""
SQLITE = {"serial": "INTEGER PRIMARY KEY", "real": "REAL", "now": "(julianday('now') - 2440587.5) * 86400.0"}
POSTGRES = {
    "serial": "BIGSERIAL PRIMARY KEY",
    "real": "DOUBLE PRECISION",
    "now": "extract(epoch FROM clock_timestamp())",
}


def record(connection: Connection) -> None:
    """Begin to keep what happens."""
    is_sqlite = connection.dialect.name == "sqlite"
    words = SQLITE if is_sqlite else POSTGRES
    for table in TABLES:
        connection.exec_driver_sql(table.format(**words))
    watched = (
        ("runs", "UPDATE", RUN, MOVED),
        ("steps", "INSERT", STEP, DONE),
        ("steps", "UPDATE", STEP, DONE),
    )
    for table, verb, act, when in watched:
        name, act = f"see_{table}_{verb.lower()}", act.format(**words)
        condition = f"WHEN ({when})" if when else ""
        if is_sqlite:
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} AFTER {verb} ON {table} FOR EACH ROW {condition} BEGIN {act} END"
            )
            continue
        body = f"$$ BEGIN {act} RETURN NULL; END $$"
        connection.exec_driver_sql(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS {body}".replace("%", "%%")
        )
        trigger = f"CREATE TRIGGER {name} AFTER {verb} ON {table} FOR EACH ROW {condition}"
        connection.exec_driver_sql(f"{trigger} EXECUTE FUNCTION {name}()")


def read_into(history: History, connection: Connection) -> None:
    """Everything that the database knows."""
    rows = connection.execute(text("SELECT id, inputs, status, fence, answer, failure FROM runs"))
    for row in rows:
        answer, failure = _json(row.answer), _json(row.failure)
        history.runs.append(
            Run(
                id=row.id,
                token=token_in(str(_json(row.inputs).get("question", ""))),
                status=row.status,
                fence=row.fence,
                answer=str(answer.get("text", "")),
                failure=str(failure.get("kind", "")),
            )
        )
    for row in connection.execute(text("SELECT id, run_id, state FROM outbox")):
        history.messages.append(Message(row.id, row.run_id or "", row.state))
    seen = "SELECT run_id, fence, owner, status, at FROM seen_runs ORDER BY n"
    history.held.extend(Held(*row) for row in connection.execute(text(seen)))
    seen = "SELECT run_id, step_id, fence, run_fence, at FROM seen_steps ORDER BY n"
    history.journal.extend(Journaled(*row) for row in connection.execute(text(seen)))
    found = audit_log.verify(connection)
    history.broken_audit = f"row {found.bad_seq} is {found.why}" if found.bad_seq else ""
    history.money.extend(_money(connection))


def settle_money(connection: Connection, later: Any) -> None:
    """Give back what dead workers held, as the next call that is short of money does."""
    give_back_dead(connection, later)


def _money(connection: Connection) -> list[Money]:
    found = []
    query = balances.join(budgets, budgets.c.id == balances.c.budget_id).select()
    for row in connection.execute(query):
        workflow = row.name
        paid = connection.execute(ledger.select().where(ledger.c.workflow == workflow))
        in_ledger = sum((each.cost_usd for each in paid), Decimal(0))
        found.append(Money(workflow, row.limit_usd, row.spent_usd, row.reserved_usd, in_ledger))
    return found


def read_told(history: History, path: Path) -> list[Mapping[str, Any]]:
    """What the processes wrote down; gives everything else that they did."""
    others = []
    for line in path.read_text().splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # the last words of a process that was killed while it wrote them
        if said["kind"] == "told":
            history.told.append(Told(said["run"], said["fence"], said["step"]))
        else:
            others.append(said)
    return others


def read_door(path: Path) -> list[Mapping[str, Any]]:
    """What the door said in its log, as the other processes write it down."""
    found: list[Mapping[str, Any]] = []
    for line in path.read_text().splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # as above; and what Python itself says of an end by force
        event, error = said.get("event", ""), str(said.get("exception", said.get("error", "")))
        if event in ("slack.refused", "slack.incident"):
            refused = said.get("error", "")
            found.append({"kind": "refused", "request": said.get("correlation", ""), "error": refused})
        if said.get("level") in ("warning", "error", "critical"):
            found.append({"kind": "log", "event": event, "error": error})
    return found


def read_slots(connection: Connection, others: list[Mapping[str, Any]]) -> list[Slots]:
    """What the clocks put down."""
    digests = [tuple(row) for row in connection.execute(text("SELECT recipient, week FROM digests"))]
    query = text("SELECT body FROM outbox WHERE kind = 'checkpoint'")
    checkpoints = [_json(body)["slot"] for body in connection.execute(query).scalars()]
    found: dict[str, list[Any]] = {"put-down-digests": digests, "post-checkpoint": checkpoints}
    return [
        Slots(job, len(set(rows)), len(rows), sum(said["made"] for said in others if said.get("job") == job))
        for job, rows in found.items()
    ]


def token_in(words: str) -> str:
    """The word of a question that no other has."""
    found = TOKEN.search(words)
    return found.group() if found else ""


def _json(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = json.loads(value)
    return value or {}
