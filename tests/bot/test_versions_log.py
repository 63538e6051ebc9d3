"""Where labels point, asked often in one transaction."""

from sqlalchemy import Connection, event

from bot.adapters.store.database import Store
from bot.adapters.store.versions_log import insert_version, move_label, read_pointers, remove_label
from tests.fakes import FakeClock

NOW = FakeClock().now()
PROMPT = {"kind": "prompt", "name": "a"}


def write_versions(connection: Connection) -> None:
    for text in ("one", "two"):
        insert_version(connection, **PROMPT, content=text, content_hash=text, author="U0DEV", at=NOW)
    move_label(connection, **PROMPT, number=1, by="U0DEV", at=NOW)


def numbers(connection: Connection) -> list[int]:
    return [number for _, _, _, number, _ in read_pointers(connection)]


def test_pointers_are_read_once_in_a_transaction(store: Store) -> None:
    store.write_now(write_versions)
    statements: list[str] = []
    event.listen(
        store.engine, "before_cursor_execute", lambda *args: statements.append(" ".join(args[2].split()))
    )
    for count in (1, 2):
        assert store.read_now(lambda connection: [numbers(connection) for _ in range(3)]) == [[1]] * 3
        assert sum("FROM labels" in each for each in statements) == count


def test_a_move_is_seen_in_its_own_transaction_and_in_the_next(store: Store) -> None:
    store.write_now(write_versions)

    def move(connection: Connection) -> None:
        assert numbers(connection) == [1]
        assert move_label(connection, **PROMPT, number=2, by="U0DEV", at=NOW)
        assert numbers(connection) == [2]

    store.write_now(move)
    assert store.read_now(numbers) == [2]

    def remove(connection: Connection) -> None:
        assert numbers(connection) == [2]
        assert remove_label(connection, "prompt", "a", "production")
        assert numbers(connection) == []

    store.write_now(remove)
    assert store.read_now(numbers) == []


def test_a_move_that_is_taken_back_is_forgotten(store: Store) -> None:
    store.write_now(write_versions)

    def fail(connection: Connection) -> None:
        move_label(connection, **PROMPT, number=2, by="U0DEV", at=NOW)
        assert numbers(connection) == [2]
        raise ValueError

    future = store.submit(fail)
    assert isinstance(future.exception(), ValueError)
    assert store.read_now(numbers) == [1]
    store.write_now(lambda connection: None if numbers(connection) == [1] else 1 / 0)
