"""Requests as Slack sends them, leases that end, and a database that is away for a moment."""

from collections.abc import Callable
from typing import Any, TypeVar

from bot.adapters.store.database import Connection
from bot.adapters.store.store_down import StoreDown

T = TypeVar("T")


def let_leases_end(connection: Connection) -> None:
    """As the time of a worker that died does."""
    connection.exec_driver_sql("UPDATE handed_requests SET lease_until = '2020-01-01'")


def mention(words: str, ts: str = "1700000000.000100") -> dict[str, Any]:
    event = {
        "type": "app_mention",
        "user": "U0ANA",
        "channel": "C0PEOPLE",
        "ts": ts,
        "text": f"<@U0SPAN> {words}",
    }
    return {"team_id": "T0SPAN", "event_id": ts, "authorizations": [{"user_id": "U0SPAN"}], "event": event}


def away_at_first(act: Callable[..., T], times: int = 1) -> Callable[..., T]:
    """What is done in the database, which refuses the first times."""
    left = [StoreDown("read-only") for _ in range(times)]

    def done(*given: Any) -> T:
        if left:
            raise left.pop()
        return act(*given)

    return done
