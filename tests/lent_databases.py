"""Databases of a PostgreSQL server, emptied and lent again: to make one takes longer than most tests."""

import contextlib
import itertools
from collections.abc import Iterator

import psycopg
from sqlalchemy.engine import make_url

TEMPLATE = "with_every_table"
"""Of the server: what a database is made from."""

AWAY = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
FILLED = """
SELECT string_agg(oid::regclass::text, ', ') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
    AND relname <> 'alembic_version'
"""
FROM_ONE = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"
SHAPE = """
SELECT md5(string_agg(part, '/' ORDER BY part)) FROM (
    SELECT concat_ws(' ', oid, relname, relnamespace, relkind, relhastriggers, relacl, reloptions)
    FROM pg_class WHERE relkind <> 't'
    UNION ALL SELECT concat_ws(' ', attrelid, attnum, xmin) FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_constraint
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_trigger
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_type WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_namespace
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_extension
    UNION ALL SELECT concat_ws(' ', setrole, setconfig) FROM pg_db_role_setting
    UNION ALL SELECT concat_ws(' ', datconnlimit, datallowconn, datacl) FROM pg_database
    WHERE datname = current_database()
    UNION ALL SELECT version_num FROM alembic_version
) AS parts (part)
"""
"""Another line when a table, a function, a right or a setting is another."""


class Lender:
    """The databases with every table of one server; a context."""

    def __init__(self, server: str) -> None:
        self._server = make_url(server).set(drivername="postgresql")
        self._numbers = itertools.count(1)
        self._spare: list[str] = []
        self._shape = ""

    def __enter__(self) -> "Lender":
        self._admin = self._connect(str(self._server.database))
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()

    @contextlib.contextmanager
    def lent(self) -> Iterator[str]:
        """URL of an empty one, under a name that no other test has."""
        name = f"lent_{next(self._numbers)}"
        if self._spare:
            self._admin.execute(f"ALTER DATABASE {self._spare.pop()} RENAME TO {name}")
        else:
            self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        yield self._server.set(drivername="postgresql+psycopg", database=name).render_as_string(
            hide_password=False
        )
        self._take_back(name)

    def _take_back(self, name: str) -> None:
        spare = f"spare_{next(self._numbers)}"
        self._admin.execute(AWAY, [name])
        try:
            # whoever is left over from the test finds nothing under the name it knows
            self._admin.execute(f"ALTER DATABASE {name} RENAME TO {spare}")
        except psycopg.errors.ObjectInUse:
            self._drop(name)
        else:
            self._spare.append(spare) if self._emptied(spare) else self._drop(spare)

    def _emptied(self, name: str) -> bool:
        """Whether it is as if nobody had used it; not when more than rows was changed."""
        with self._connect(name) as inside:
            if inside.execute(SHAPE).fetchone()[0] != self._shape_of_template():
                return False
            with inside.transaction():
                # some tables have triggers that refuse it
                inside.execute("SET LOCAL session_replication_role = replica")
                if filled := inside.execute(FILLED).fetchone()[0]:
                    inside.execute(f"TRUNCATE {filled} CASCADE")
                inside.execute(FROM_ONE)
        return True

    def _shape_of_template(self) -> str:
        if not self._shape:
            with self._connect(TEMPLATE) as template:
                self._shape = template.execute(SHAPE).fetchone()[0]
        return self._shape

    def _drop(self, name: str) -> None:
        self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _connect(self, database: str) -> psycopg.Connection:
        url = self._server.set(database=database)
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
