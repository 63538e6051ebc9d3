"""What is asked for by every write is read once in a transaction, and never after it was changed."""

from sqlalchemy import Connection, event

from bot.adapters.store.database import Store
from bot.adapters.store.grants import delete_grant, insert_grant, read_grants
from bot.adapters.system_clock import SystemClock
from bot.governance.roles import EVERYTHING, Grant, Role

GRANT = Grant("U0ANA", Role.EDITOR, EVERYTHING, "U0DEV")


def test_grants_are_read_once_and_again_after_each_change(store: Store) -> None:
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))

    def act(connection: Connection) -> list[tuple[Grant, ...]]:
        found = [read_grants(connection), read_grants(connection)]
        insert_grant(connection, GRANT, SystemClock().now())
        found += [read_grants(connection), read_grants(connection)]
        delete_grant(connection, GRANT)
        return [*found, read_grants(connection)]

    first, again, given, given_again, taken = store.write_now(act)
    assert first == again == taken and GRANT not in first
    assert given == given_again == tuple(sorted((*first, GRANT), key=lambda grant: grant.grantee))
    assert sum("ORDER BY grants.grantee" in statement for statement in asked) == 3
    store.write_now(lambda connection: insert_grant(connection, GRANT, SystemClock().now()))
    assert GRANT in store.write_now(read_grants), "another transaction looks for itself"
