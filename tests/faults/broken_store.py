"""Ways to break a database under a product that runs, and to mend it again."""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event, inspect

from bot.adapters.store.database import Connection, Store, begin, open_engine
from bot.adapters.store.store_down import StoreDown


@contextlib.contextmanager
def pragma(store: Store, broken: str, mended: str) -> Iterator[None]:
    """Every connection of the store, from its next transaction on, as this statement makes it."""
    store.write_now(lambda c: c.exec_driver_sql(broken))
    wanted = {"now": broken}

    def checkout(driver: Any, *_: Any) -> None:
        driver.execute(wanted["now"])

    event.listen(store.engine, "checkout", checkout)
    try:
        yield
    finally:
        wanted["now"] = mended
        # what cannot even say so lets go of its connection, and the next one is a mended one
        with contextlib.suppress(StoreDown):
            store.write_now(lambda c: c.exec_driver_sql(mended))


@contextlib.contextmanager
def full(store: Store) -> Iterator[None]:
    """No page more than there are; on PostgreSQL, its own error for a full disk at each write.

    `tests.faults.full_disk` has a disk that is full, for which one must be root.
    """
    if not store.is_sqlite:
        with full_postgres(store):
            yield
        return
    pages = store.read_now(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    with pragma(store, f"PRAGMA max_page_count={pages}", "PRAGMA max_page_count=1000000"):
        yield


@contextlib.contextmanager
def full_postgres(store: Store) -> Iterator[None]:
    """As a server whose disk is full answers whoever adds to a table."""
    name = "no_space_left"
    body = "BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END"
    tables = store.read_now(lambda connection: inspect(connection).get_table_names())

    def breaking(connection: Connection) -> None:
        connection.exec_driver_sql(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
        )
        for table in tables:
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} BEFORE INSERT ON {table} EXECUTE FUNCTION {name}()"
            )

    store.write_now(breaking)
    try:
        yield
    finally:
        store.write_now(lambda c: c.exec_driver_sql(f"DROP FUNCTION {name} CASCADE"))


@contextlib.contextmanager
def read_only(store: Store) -> Iterator[None]:
    """Reads alone are allowed."""
    with pragma(store, "PRAGMA query_only=ON", "PRAGMA query_only=OFF"):
        yield


@contextlib.contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another process writes and does not come to an end."""
    other = open_engine(store.url)
    with other.connect() as connection, begin(connection, writing=True):
        yield
    other.dispose()


FAULTS = {"full": full, "read-only": read_only, "locked": locked}
