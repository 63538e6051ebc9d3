"""Fixtures that every test may use: stores on both databases, and no network."""

import ipaddress
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from bot.adapters.store.all_tables import metadata
from bot.adapters.store.circuits_log import circuits
from bot.adapters.store.database import Store
from bot.adapters.store.turns_log import turns
from knowledge.index import VectorIndex
from tests import databases
from tests.handbook_vectors import HandbookVectors
from tests.lent_databases import Lender
from tests.shared_statements import share_statements

# how long one example takes says how busy the machine is, and nothing of the code; CI draws the same examples
# each time, so that it tells of the change and not of its luck, and everyone else new ones
settings.register_profile("unhurried", deadline=None, derandomize="SPANWISE_STRICT" in os.environ)
settings.load_profile("unhurried")

share_statements()

# a child that may not keep what it compiles compiles everything anew, for seconds
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# a coloured traceback with all variables, which structlog shows by default, takes half a second to draw
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


class LeftTheMachine(AssertionError):
    """A test tried to reach another machine."""


def _refuse(address: Any) -> None:
    if not isinstance(address, tuple):
        return
    host = str(address[0])
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise LeftTheMachine(f"{host}:{address[1]}")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(self: socket.socket, address: Any) -> None:
        _refuse(address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        _refuse(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)


@pytest.fixture(autouse=True)
def indexes_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each open index holds threads, files and ten megabytes, and few tests are about closing one."""
    made: list[VectorIndex] = []
    construct = VectorIndex.__init__

    def noted(self: VectorIndex, *args: Any, **named: Any) -> None:
        construct(self, *args, **named)
        made.append(self)

    monkeypatch.setattr(VectorIndex, "__init__", noted)
    yield
    for index in made:
        index.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of the server's own database; starts in about 3 s.

    Its files stand outside pytest's folder, which another pytest closes to the server's user.
    """
    with databases.new_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    with databases.of_server(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def lender(postgres_server: str) -> Iterator[Lender]:
    """Lends databases of the server."""
    with Lender(postgres_server) as lender:
        yield lender


@pytest.fixture
def filled_postgres_url(lender: Lender) -> Iterator[str]:
    """As `postgres_url`, with every table."""
    with lender.lent() as url:
        yield url


ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/spanwise.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store with every table, on each engine."""
    if request.param == "sqlite":
        url = databases.with_tables(tmp_path / "spanwise.db")
    else:
        url = str(request.getfixturevalue("filled_postgres_url"))
    store = Store(url)
    yield store
    store.close()


@pytest.fixture
def second(store: Store) -> Iterator[Store]:
    """The same database, as another process has it."""
    made = Store(store.url)
    yield made
    made.close()


@pytest.fixture
def model_store(tmp_path: Path) -> Iterator[Store]:
    """A store with no more in it than models share, for tests that are about something else."""
    store = Store(f"sqlite:///{tmp_path}/models.db")
    store.write_now(lambda connection: metadata.create_all(connection, tables=[circuits, turns]))
    yield store
    store.close()


PRODUCT = "tests/product/"
TOGETHER = {
    "demo": re.compile(PRODUCT + r"test_(product_\w+|\w+_page)\.py"),
    "first run": re.compile(PRODUCT + r"test_(terminal|\w+_command)\.py"),
}
"""What is started once, and the files whose tests share it."""


class OneStage(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of one file go to one worker, and so do those that share what takes long to start.

    `loadgroup` of pytest-xdist 3.8 does nothing with pytest 9.2: it sets `Item._nodeid`, which is gone.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return next((name for name, files in TOGETHER.items() if files.match(path)), path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneStage:
    """How tests are dealt out to workers."""
    return OneStage(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest rows of tests begin first, so that no worker waits for one in the end."""
    items.sort(
        key=lambda item: (not TOGETHER["demo"].match(item.nodeid), not item.nodeid.startswith(PRODUCT))
    )


@pytest.fixture(scope="session")
def handbook_vectors(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> HandbookVectors:
    """The same for all workers."""
    base = tmp_path_factory.getbasetemp()
    return HandbookVectors((base if worker_id == "master" else base.parent) / "handbook-vectors")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """With SPANWISE_STRICT set, a test that needs PostgreSQL or the browser must run, not skip."""
    report = yield
    needed = [mark for mark in ("postgres", "browser") if item.get_closest_marker(mark)]
    if os.environ.get("SPANWISE_STRICT") and needed and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though it needs {' and '.join(needed)}: {report.longrepr}"
    return report
