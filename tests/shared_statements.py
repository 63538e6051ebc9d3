"""SQL is compiled once for all databases of the tests: for each anew it would be a third of their work."""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache


class SharedStatements:
    """What statements were compiled to, whichever engine was first; takes the place of each engine's own."""

    def __init__(self) -> None:
        self._compiled: LRUCache[Any, Any] = LRUCache(4000)

    def get(self, key: tuple[Any, ...]) -> Any:
        """What the statement was compiled to, or None."""
        return self._compiled.get(_of_kind(key))

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        self._compiled[_of_kind(key)] = compiled


def _of_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return (dialect.name, *statement)


def share_statements() -> None:
    """From now on, for every engine of this process."""
    known = SharedStatements()

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=known)
