"""Every golden case of every shipped workflow, for real: the handbook, the index and the built-in model."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.llm import Models
from bot.adapters.profiles import SHIPPED, read_profiles
from bot.adapters.store.database import Store
from bot.adapters.system_clock import SystemClock
from bot.quality.likeness import similarity_by
from bot.services.holdings import Holdings
from bot.services.readers import TERMINAL
from knowledge.embedding import Embedder
from tests.databases import with_tables
from tests.fakes import FakeJournal, FakeLibrary
from tests.handbook_vectors import HandbookVectors
from tests.workflows.shipped import HANDBOOK, NAMES, cases, load, prompts, shortfalls
from workflows.cases import Case
from workflows.engine import execute
from workflows.ports import Ports
from workflows.run import RunResult

pytestmark = pytest.mark.slow

MET = [
    pytest.param(name, case, id=f"{name}-{case.id}")
    for name in NAMES
    for case in cases(name)
    if not case.needs
]


class House:
    """Everything a shipped workflow needs, with the handbook taken up."""

    def __init__(self, store: Store, holdings: Holdings, path_of: dict[str, str], embedder: Embedder) -> None:
        self.store = store
        self.holdings = holdings
        self.path_of = path_of
        self.models = Models(
            read_profiles(SHIPPED.read_text(encoding="utf-8")), store, embedder=embedder, environ={}
        )
        self.library = FakeLibrary(*map(load, NAMES), prompts=prompts())
        self.ledger: list[LedgerEntry] = []
        self.near = similarity_by(embedder.encode)

    async def run(self, name: str, case: Case) -> RunResult:
        async def record(entry: LedgerEntry) -> None:
            self.ledger.append(entry)

        workflow = self.library.workflow(name)
        ports = Ports(
            model=self.models.bind(record),
            retriever=self.holdings.retriever(TERMINAL),
            clock=SystemClock(),
            journal=FakeJournal(),
            library=self.library,
        )
        return await execute(workflow, inputs=workflow.read_inputs(case.inputs), parameters={}, ports=ports)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    tmp_path_factory: pytest.TempPathFactory, handbook_vectors: HandbookVectors
) -> AsyncIterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    handbook_vectors.lend(folder)
    store = Store(with_tables(folder / "spanwise.db"))
    embedder = Embedder.load()
    holdings = Holdings(store, folder, SystemClock(), embedder=embedder)
    added = await holdings.add(HANDBOOK, "people")
    assert not added.refused
    path_of = {document.id: document.path for document in await holdings.documents("people")}
    yield House(store, holdings, path_of, embedder)
    await holdings.close()
    store.close()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "case"), MET)
async def test_the_built_in_model_meets_the_case(name: str, case: Case, house: House) -> None:
    result = await house.run(name, case)
    assert shortfalls(case, result, house.path_of, house.near) == [], result.answer and result.answer.text
