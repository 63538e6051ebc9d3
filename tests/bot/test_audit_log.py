from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bot.adapters.store.audit_log import append_event, read_events, verify
from bot.adapters.store.database import Store

AT = datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=UTC)


def add(store: Store, count: int) -> None:
    for number in range(count):
        store.write_now(
            lambda connection, number=number: append_event(
                connection,
                actor="U0ANA",
                action="run.requested",
                target=f"run:r_{number}",
                context={"workflow": "ask-policy", "número": number},
                at=AT,
            )
        )


def tamper(store: Store, statement: str) -> None:
    """What somebody with the rights of the database's owner could do."""
    lift = (
        ["DROP TRIGGER audit_events_no_update", "DROP TRIGGER audit_events_no_delete"]
        if store.is_sqlite
        else ["DROP TRIGGER audit_events_no_change ON audit_events"]
    )

    def act(connection: Connection) -> None:
        for line in [*lift, statement]:
            connection.execute(text(line))

    store.write_now(act)


def test_chain_verifies(store: Store) -> None:
    assert store.read_now(verify).rows == 0
    add(store, 5)
    found = store.read_now(verify)
    assert (found.rows, found.bad_seq) == (5, None)
    events = store.read_now(lambda connection: read_events(connection, limit=2))
    assert [event.target for event in events] == ["run:r_4", "run:r_3"]
    assert events[0].hash == found.head


@pytest.mark.parametrize(
    ("statement", "bad", "why"),
    [
        ("UPDATE audit_events SET actor='U0EVE' WHERE seq=3", 3, "altered"),
        ("UPDATE audit_events SET context='{}' WHERE seq=1", 1, "altered"),
        ("UPDATE audit_events SET previous_hash=hash WHERE seq=2", 2, "unlinked"),
        ("DELETE FROM audit_events WHERE seq=4", 4, "missing"),
        ("DELETE FROM audit_events WHERE seq=1", 1, "missing"),
        ("UPDATE audit_events SET seq=9 WHERE seq=2", 2, "missing"),
    ],
)
def test_first_bad_row_is_named(store: Store, statement: str, bad: int, why: str) -> None:
    add(store, 5)
    tamper(store, statement)
    found = store.read_now(verify)
    assert (found.bad_seq, found.why) == (bad, why)


def test_cut_off_rows_show_in_the_head(store: Store) -> None:
    add(store, 5)
    before = store.read_now(verify).head
    tamper(store, "DELETE FROM audit_events WHERE seq=5")
    found = store.read_now(verify)
    assert found.bad_seq is None
    assert found.head != before


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET actor='x'", "DELETE FROM audit_events"])
def test_the_database_refuses_changes(store: Store, statement: str) -> None:
    add(store, 1)
    with pytest.raises(DBAPIError, match="append-only"):
        store.write_now(lambda connection: connection.execute(text(statement)))
    assert store.read_now(verify).rows == 1


def test_an_event_goes_with_its_effect(store: Store) -> None:
    def act(connection: Connection) -> None:
        append_event(connection, actor="a", action="b.c", target="d", at=AT)
        raise ValueError

    with pytest.raises(ValueError):
        store.write_now(act)
    assert store.read_now(verify).rows == 0
