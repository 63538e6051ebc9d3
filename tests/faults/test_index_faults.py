"""Indexes deleted, flipped, cut, taken away and given back under knowledge that is asked all the while."""

import asyncio
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from bot.adapters.store.all_tables import metadata
from bot.adapters.store.database import Store
from bot.services.holdings import Holdings
from bot.services.readers import TERMINAL
from bot.services.snapshots import KnowledgeRebuilding
from knowledge.embedding import Embedder
from knowledge.index import ForeignIndex, IndexDamaged, IndexUnreachable, MixedModels, VectorIndex
from tests.fakes import FakeClock
from tests.ports import free_port

QUESTION = "How many days can I carry over?"
PAGES = {
    "annual.md": "# Annual leave\n\n## Carry over\n\nYou can carry over five days of leave until 31 March.\n",
    "travel.md": "# Travel\n\nA hotel in London may cost 190 GBP a night.\n",
}


def open_holdings(folder: Path, url: str = "", name: str = "spanwise.db") -> Holdings:
    store = Store(f"sqlite:///{folder}/{name}")
    store.write_now(metadata.create_all)
    return Holdings(store, folder / "data", FakeClock(), embedder=Embedder.load(), chroma_url=url)


async def close(holdings: Holdings) -> None:
    await holdings.close()
    holdings._store.close()


async def ask(holdings: Holdings) -> list[str]:
    found = await holdings.retriever(TERMINAL).retrieve(QUESTION, collection="people", limit=2)
    return [passage.text for passage in found.passages]


@asynccontextmanager
async def kept(holdings: Holdings) -> AsyncIterator[None]:
    """As in a worker."""
    stop = asyncio.Event()
    keeping = asyncio.create_task(holdings.keep_until(stop, look_s=0.02))
    yield
    stop.set()
    await keeping


async def until(holdings: Holdings, holds: Callable[[str], bool]) -> str:
    """What is wrong with the index, once it is like this; empty when nothing is."""
    async with asyncio.timeout(60):
        while True:
            try:
                await holdings.ping()
                wrong = ""
            except (IndexUnreachable, IndexDamaged, ForeignIndex, KnowledgeRebuilding) as error:
                wrong = type(error).__name__
            if holds(wrong):
                return wrong
            await asyncio.sleep(0.02)


async def synced(holdings: Holdings) -> None:
    """Wait until the vector index answers the searches again."""
    await until(holdings, lambda wrong: not wrong)
    async with asyncio.timeout(60):
        while not holdings._snapshots._synced:
            await asyncio.sleep(0.02)


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, text in PAGES.items():
        (folder / name).write_text(text)
    return folder


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for number in range(200):
        content[random.Random(number).randrange(len(content))] ^= 0xFF
    path.write_bytes(content)


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


CHROMA, TOKENS = Path("knowledge", "chroma"), Path("knowledge", "tokens", "people")
DAMAGES = {
    "chroma flipped": (CHROMA / "chroma.sqlite3", flip),
    "chroma killed and flipped": (CHROMA / "chroma.sqlite3", flip),
    "chroma deleted": (CHROMA, remove),
    "vectors flipped": (TOKENS / "vectors.bin", flip),
    "tokens flipped": (TOKENS / "tokens.bin", flip),
    "tokens cut": (TOKENS / "tokens.bin", lambda path: path.write_bytes(path.read_bytes()[:999])),
    "rows flipped": (TOKENS / "rows.jsonl", flip),
    "tokens deleted": (TOKENS, remove),
}


async def answered_then_broken(folder: Path, pages: Path, damage: str) -> list[str]:
    """What was answered before the damage was done, between two starts."""
    holdings = open_holdings(folder)
    await holdings.add(pages, "people")
    expected = await ask(holdings)
    await close(holdings)
    place, break_it = DAMAGES[damage]
    break_it(folder / "data" / place)
    return expected


@pytest.mark.parametrize("damage", DAMAGES)
async def test_what_was_damaged_between_two_starts_is_made_anew(
    tmp_path: Path, pages: Path, damage: str
) -> None:
    """A start meets it; a worker makes it anew beside its work, and answers are right or honest meanwhile."""
    expected = await answered_then_broken(tmp_path, pages, damage)
    if "killed" in damage:
        (tmp_path / "data" / CHROMA / "sealed.json").unlink()
    holdings = open_holdings(tmp_path)
    async with kept(holdings):
        try:
            assert await ask(holdings) == expected
        except KnowledgeRebuilding as error:
            assert error.facts["collection"] == "people"
        await synced(holdings)
        assert await ask(holdings) == expected
    await close(holdings)


@pytest.mark.parametrize("damage", ["chroma flipped", "tokens flipped"])
async def test_without_a_worker_it_is_made_anew_when_it_is_needed(
    tmp_path: Path, pages: Path, damage: str
) -> None:
    expected = await answered_then_broken(tmp_path, pages, damage)
    holdings = open_holdings(tmp_path)
    assert await ask(holdings) == expected
    await close(holdings)


async def test_a_folder_that_is_deleted_under_it_comes_back(tmp_path: Path, pages: Path) -> None:
    holdings = open_holdings(tmp_path)
    await holdings.add(pages, "people")
    async with kept(holdings):
        await synced(holdings)
        expected = await ask(holdings)
        for each in (tmp_path / "data" / CHROMA).iterdir():
            if each.name != "owner.lock":
                remove(each)
        assert await ask(holdings) == expected
        async with asyncio.timeout(60):
            while not (tmp_path / "data" / CHROMA / "chroma.sqlite3").exists():
                await asyncio.sleep(0.02)
        await synced(holdings)
        assert await ask(holdings) == expected
    await close(holdings)


async def test_vectors_that_turn_bad_are_never_answered_from(tmp_path: Path, pages: Path) -> None:
    """The first who asks while they are made anew is told so, and gets nothing from elsewhere."""
    holdings = open_holdings(tmp_path)
    await holdings.add(pages, "people")
    expected = await ask(holdings)
    holdings._snapshots.is_mended = True
    holdings._snapshots.found_damaged("people", ValueError())
    with pytest.raises(KnowledgeRebuilding):
        await ask(holdings)
    with pytest.raises(KnowledgeRebuilding):
        await holdings.ping()
    async with kept(holdings):
        await synced(holdings)
        assert await ask(holdings) == expected
    await close(holdings)


@contextmanager
def chroma_server(folder: Path, port: int) -> Iterator[None]:
    """A server of the environment's own, once it answers."""
    program = str(Path(sys.executable).with_name("chroma"))
    command = [program, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.terminate()
        child.wait(20)


@pytest.mark.slow
async def test_a_chroma_server_that_stops_and_starts(tmp_path: Path, pages: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    holdings = open_holdings(tmp_path, url)
    await holdings.add(pages, "people")
    expected = await ask(holdings)
    assert expected, "without a server every vector is compared"
    async with kept(holdings):
        assert await until(holdings, bool) == "IndexUnreachable"
        with chroma_server(tmp_path / "server", port):
            await synced(holdings)
            assert await ask(holdings) == expected
            _refuse_others(holdings, url, tmp_path)
        assert await ask(holdings) == expected
        assert await until(holdings, bool) == "IndexUnreachable"
        with chroma_server(tmp_path / "other server", port):
            await synced(holdings)
            assert await ask(holdings) == expected
    await close(holdings)


def _refuse_others(holdings: Holdings, url: str, tmp_path: Path) -> None:
    """What another installation, or another model under the same name, would overwrite is left alone."""
    ours = holdings._snapshots._vectors
    other = VectorIndex(url, model_id=ours._model_id, dimension=384, owner=lambda: "another installation")
    with pytest.raises(ForeignIndex):
        other.sync("people", [], lambda ids: [])  # type: ignore[arg-type, return-value]
    narrow = VectorIndex(url, model_id=ours._model_id, dimension=8, owner=ours._owner)
    with pytest.raises(MixedModels) as mixed:
        narrow.sync("people", [], lambda ids: [])  # type: ignore[arg-type, return-value]
    assert mixed.value.facts["recorded"].endswith("/384") and mixed.value.facts["current"].endswith("/8")


async def test_a_second_process_writes_nothing_and_answers_alike(tmp_path: Path, pages: Path) -> None:
    first = open_holdings(tmp_path)
    await first.add(pages, "people")
    second = open_holdings(tmp_path)
    async with kept(second):
        assert await ask(second) == await ask(first)
        assert not second._snapshots._synced and not second._snapshots._vectors.claim()
    await close(second)
    await close(first)
