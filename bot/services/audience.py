"""The audience rule at the moment an answer moves: all who will read it may read all it was made from."""

from collections.abc import Collection
from typing import Any

from bot.adapters.store.database import Connection
from bot.adapters.store.document_log import list_collections
from bot.adapters.store.step_log import read_steps
from bot.services.readers import Audience


class NotForThisAudience(Exception):
    """Fact `collections` names what the answer was made from that not all readers may read."""

    def __init__(self, run_id: str, collections: Collection[str]) -> None:
        super().__init__(run_id)
        self.facts = {"run": run_id, "collections": ", ".join(sorted(collections))}


def refuse_unreadable(connection: Connection, run_id: str, readers: tuple[str, ...]) -> None:
    """Raise NotForThisAudience unless each reader may read each collection the run drew from.

    Counts every passage a step was given, cited or not. No readers named means everybody.
    """
    allowed = {row.name: row.audience for row in list_collections(connection)}
    audience = Audience(tuple(frozenset({reader}) for reader in readers) or None)
    closed = {
        name for name in _collections_read(connection, run_id) if not audience.may_read(allowed.get(name, ()))
    }
    if closed:
        raise NotForThisAudience(run_id, closed)


def _collections_read(connection: Connection, run_id: str) -> set[str]:
    found: set[str] = set()
    for step in read_steps(connection, run_id).values():
        passages: Any = step.output.get("passages", [])
        found.update(passage["collection"] for passage in passages)
    return found
