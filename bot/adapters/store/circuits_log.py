"""Circuits of models that had trouble lately, shared by all processes; one without trouble has no row."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, Text, delete, insert, select, update

from bot.adapters.circuit import CALM, WINDOW, Circuit
from bot.adapters.store.tables import UtcDateTime, metadata

circuits = Table(
    "circuits",
    metadata,
    Column("key", Text, primary_key=True),
    Column("recent", String(WINDOW), nullable=False),
    Column("probe_at", UtcDateTime),
)
"""`key`: model and address; `probe_at` is set while the circuit is open."""


def read_circuits(connection: Connection) -> dict[str, Circuit]:
    """All that are not calm."""
    return {row.key: Circuit(row.recent, row.probe_at) for row in connection.execute(select(circuits))}


def change_circuit(connection: Connection, key: str, change: Callable[[Circuit], Circuit]) -> Circuit:
    """Put one into its next state, whatever other processes do to it meanwhile; gives that state."""
    row = connection.execute(select(circuits).where(circuits.c.key == key).with_for_update()).first()
    changed = change(CALM if row is None else Circuit(row.recent, row.probe_at))
    values = {"recent": changed.recent, "probe_at": changed.probe_at}
    if changed.is_calm:
        connection.execute(delete(circuits).where(circuits.c.key == key))
    elif row is None:
        # of two processes that insert at once, the store has the slower one try again
        connection.execute(insert(circuits).values(key=key, **values))
    else:
        connection.execute(update(circuits).where(circuits.c.key == key).values(**values))
    return changed


def claim_probe(connection: Connection, key: str, now: datetime) -> bool:
    """Take the one call that may try an open circuit just now; False when another process has it."""
    is_due = (circuits.c.key == key, circuits.c.probe_at <= now)
    claimed = update(circuits).where(*is_due).values(probe_at=Circuit().probed(now).probe_at)
    return connection.execute(claimed).rowcount == 1
