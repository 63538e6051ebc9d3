"""What is read once in a transaction, however many writes of a group ask for it."""

import time
from collections.abc import Callable
from typing import TypeVar, cast

from sqlalchemy import Connection

T = TypeVar("T")


def read_once(connection: Connection, key: str, read: Callable[[], T]) -> T:
    """What `read` finds, as the same transaction found it before; whoever changes it calls `forget`."""
    transaction = connection.get_transaction()
    read_in, found = connection.info.get(key, (None, None))
    if transaction is None or read_in is not transaction:
        found = read()
        connection.info[key] = (transaction, found)
    return cast(T, found)


def read_lately(connection: Connection, key: str, seconds: float, read: Callable[[], T]) -> T:
    """What `read` found so many seconds ago at most, in whatever transaction: for what only feeds a guess."""
    read_at, found = connection.info.get(key, (float("-inf"), None))
    if time.monotonic() - read_at > seconds:
        found = read()
        connection.info[key] = (time.monotonic(), found)
    return cast(T, found)


def forget(connection: Connection, key: str) -> None:
    """Have it read again: this transaction changed it."""
    connection.info.pop(key, None)
