import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from fakes import FakeClock
from sqlalchemy import select

from bot.adapters.store import document_log as log
from bot.adapters.store.audit_log import audit_events
from bot.adapters.store.database import Store
from bot.services.actors import Actor, Origin
from bot.services.holdings import Holdings, InvalidCollectionName, UnknownDocument
from bot.services.intake import AddingStopped, Intake
from bot.services.readers import TERMINAL, Audience
from knowledge.embedding import Embedder
from knowledge.index import MixedModels
from knowledge.sources import SourceEmptied, SourceMissing
from tests.databases import with_tables
from workflows.ports import UnknownCollection


@pytest.fixture
async def holdings(tmp_path: Path) -> AsyncIterator[Holdings]:
    store = Store(with_tables(tmp_path / "spanwise.db"))
    holdings = Holdings(store, tmp_path, FakeClock(), embedder=Embedder.load())
    yield holdings
    await holdings.close()
    store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "handbook"
    (folder / "leave").mkdir(parents=True)
    (folder / "leave" / "annual.md").write_text(
        "---\nowner: Chloe\nupdated: 2026-09-14\n---\n# Annual leave\n\n## Carry over\n\n"
        "You can carry over up to five days of unused leave until 31 March.\n"
    )
    (folder / "travel.md").write_text("# Travel\n\nA hotel in London may cost 190 GBP a night.\n")
    return folder


async def _ask(holdings: Holdings, question: str, audience: Audience = TERMINAL) -> list[str]:
    found = await holdings.retriever(audience).retrieve(question, collection="people", limit=3)
    return [passage.text for passage in found.passages]


async def test_a_folder_is_added_and_found_again(holdings: Holdings, folder: Path) -> None:
    progress: list[tuple[int, int, str]] = []
    added = await holdings.add(folder, "people", on_progress=lambda *step: progress.append(step))
    assert added.added == ["leave/annual.md", "travel.md"]
    assert progress == [(1, 2, "leave/annual.md"), (2, 2, "travel.md")]
    found = await holdings.retriever(TERMINAL).retrieve(
        "How many days can I carry over?", collection="people", limit=1
    )
    (passage,) = found.passages
    assert (passage.title, passage.location, passage.owner) == ("Annual leave", "Carry over", "Chloe")
    assert (passage.version, passage.updated_at.date().isoformat()) == (1, "2026-09-14")
    assert found.revisions == {"people": 2}
    assert found.support > 0.5


async def test_adding_again_follows_the_folder(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people")
    again = await holdings.add(folder, "people")
    assert (again.unchanged, again.added, again.changed) == (["leave/annual.md", "travel.md"], [], [])
    (folder / "travel.md").write_text("# Travel\n\nA hotel in London may cost 210 GBP a night.\n")
    (folder / "leave" / "annual.md").unlink()
    (folder / "new.md").write_text("# Parking\n\nPark behind the building.\n")
    moved = await holdings.add(folder, "people")
    assert (moved.added, moved.changed, moved.removed) == (["new.md"], ["travel.md"], ["leave/annual.md"])
    texts = await _ask(holdings, "What may a hotel in London cost?")
    assert any("210 GBP" in text for text in texts)
    assert not any("190 GBP" in text or "five days" in text for text in texts)
    (row,) = await holdings.collections()
    assert row.revision == 5
    assert [document.path for document in await holdings.documents("people")] == ["new.md", "travel.md"]


async def test_a_passage_that_moved_is_cited_where_it_stands_now(holdings: Holdings, folder: Path) -> None:
    fire, water = "Leave the house by the stairs.", "Turn off the main tap."
    pages = folder / "pages.md"
    pages.write_text(f"<!-- page 1 -->\n\n{fire}\n\n<!-- page 2 -->\n\n{water}\n")
    await holdings.add(folder, "people")
    pages.write_text(f"<!-- page 1 -->\n\nNew.\n\n<!-- page 2 -->\n\n{fire}\n\n<!-- page 3 -->\n\n{water}\n")
    await holdings.add(folder, "people")
    found = await holdings.retriever(TERMINAL).retrieve("main tap", collection="people", limit=5)
    places = {passage.text: passage.location for passage in found.passages}
    assert (places[fire], places[water]) == ("page 2", "page 3")


async def test_a_single_file_says_nothing_about_its_neighbours(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people")
    (folder / "travel.md").write_text("# Travel\n\nTrains only.\n")
    outcome = await holdings.add(folder / "travel.md", "people")
    assert (outcome.changed, outcome.removed) == (["travel.md"], [])


async def test_what_cannot_be_listed_is_refused_and_keeps_its_documents(
    holdings: Holdings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "leave-notes.md").write_text("# Notes\n\nAsk early.\n")
    await holdings.add(folder, "people")
    (folder / "leave-notes.md").unlink()
    walk = os.walk

    def refuse(top: Path, onerror: Callable[[OSError], None]) -> Iterator[tuple[str, list[str], list[str]]]:
        onerror(PermissionError(13, "Permission denied", str(top / "leave")))
        for place, inner, names in walk(top):
            yield place, inner, [] if place.endswith("leave") else names

    monkeypatch.setattr(os, "walk", refuse)
    outcome = await holdings.add(folder, "people")
    assert [(each.path, each.why, each.facts) for each in outcome.refused] == [
        ("leave", "SourceUnreadable", {"path": "leave"})
    ]
    assert (outcome.unchanged, outcome.removed) == (["travel.md"], ["leave-notes.md"])


async def test_an_emptied_folder_removes_nothing(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people")
    for file in (folder / "travel.md", folder / "leave" / "annual.md"):
        file.unlink()
    with pytest.raises(SourceEmptied):
        await holdings.add(folder, "people", audience=["U0BEN"])
    assert len(await holdings.documents("people")) == 2
    (row,) = await holdings.collections()
    assert row.audience == ("everyone",), "what is refused changes nothing"


async def test_a_pinned_run_reads_what_it_was_pinned_to(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people")
    (folder / "travel.md").write_text("# Travel\n\nA hotel in London may cost 210 GBP a night.\n")
    await holdings.add(folder, "people")
    pinned = holdings.retriever(TERMINAL, {"people": 2})
    found = await pinned.retrieve("What may a hotel in London cost?", collection="people", limit=1)
    assert "190 GBP" in found.passages[0].text
    assert (found.passages[0].version, found.revisions) == (1, {"people": 2})


async def test_bad_files_are_named_and_do_not_stop_the_rest(holdings: Holdings, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"not a pdf")
    (folder / "empty.md").touch()
    outcome = await holdings.add(folder, "people")
    assert [(refused.path, refused.why) for refused in outcome.refused] == [
        ("broken.pdf", "CorruptDocument"),
        ("empty.md", "EmptyDocument"),
    ]
    assert len(outcome.added) == 2


async def test_an_unreadable_file_is_named_and_keeps_what_is_stored(
    holdings: Holdings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await holdings.add(folder, "people")
    (folder / "new.md").write_text("# Parking\n\nPark behind the building.\n")
    opened = Path.open

    def refuse(path: Path, *words: Any, **named: Any) -> IO[Any]:
        if path.name == "annual.md":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *words, **named)

    monkeypatch.setattr(Path, "open", refuse)
    outcome = await holdings.add(folder, "people")
    assert [(each.path, each.why) for each in outcome.refused] == [("leave/annual.md", "UnreadableDocument")]
    assert (outcome.added, outcome.unchanged, outcome.removed) == (["new.md"], ["travel.md"], [])
    assert any("five days" in text for text in await _ask(holdings, "How many days can I carry over?"))


async def test_a_cancelled_adding_stops_after_the_current_file(
    holdings: Holdings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await holdings.add(folder / "travel.md", "people", source=str(folder))
    (folder / "travel.md").unlink()
    (folder / "new.md").write_text("# Parking\n\nPark behind the building.\n")
    loop, seen, take = asyncio.get_running_loop(), list[str](), Intake._take

    def cancelled(self: Intake, *given: Any) -> str:
        loop.call_soon_threadsafe(adding.cancel)
        assert self._stop.wait(20)
        return take(self, *given)

    def follow(_done: int, _total: int, path: str) -> None:
        seen.append(path)

    with monkeypatch.context() as patch:
        patch.setattr(Intake, "_take", cancelled)
        adding = asyncio.ensure_future(holdings.add(folder, "people", on_progress=follow))
        with pytest.raises(AddingStopped) as caught:
            await adding
    assert seen == ["leave/annual.md"]
    assert (caught.value.added.added, caught.value.added.removed) == (["leave/annual.md"], [])
    again = await holdings.add(folder, "people")
    assert (again.unchanged, again.added, again.removed) == (["leave/annual.md"], ["new.md"], ["travel.md"])


def _write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def _two_folders(place: Path, first: str, second: str) -> tuple[Path, Path]:
    """Each with a README of its own, the second with one file more."""
    _write(place / "b" / "more.md", "# More\n")
    return _write(place / "a" / "README.md", first), _write(place / "b" / "README.md", second)


async def _texts(holdings: Holdings) -> dict[str, str]:
    return {document.path: document.text for document in await holdings.documents("people")}


async def test_a_path_that_another_source_holds_is_refused_by_name(
    holdings: Holdings, tmp_path: Path
) -> None:
    first, second = _two_folders(tmp_path, "# A\n", "# B\n")
    await holdings.add(first.parent, "people")
    outcome = await holdings.add(second.parent, "people")
    (refused,) = outcome.refused
    assert (refused.path, refused.why) == ("README.md", "PathTaken")
    assert refused.facts == {"file": "README.md", "source": str(first.parent)}
    assert (outcome.added, outcome.changed) == (["more.md"], [])
    assert (await _texts(holdings))["README.md"] == "# A\n"
    assert [each.why for each in (await holdings.add(second, "people")).refused] == ["PathTaken"]


async def test_the_same_file_twice_stays_with_the_source_that_has_it(
    holdings: Holdings, tmp_path: Path
) -> None:
    first, second = _two_folders(tmp_path, "# A\n", "# A\n")
    await holdings.add(first.parent, "people")
    assert (await holdings.add(second.parent, "people")).unchanged == ["README.md"]
    second.unlink()
    assert (await holdings.add(second.parent, "people")).removed == []
    first.write_text("# Anew\n")
    assert (await holdings.add(first.parent, "people")).changed == ["README.md"]


async def test_a_moved_folder_takes_its_documents_over(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people")
    moved = folder.rename(folder.with_name("moved"))
    (moved / "travel.md").write_text("# Travel\n\nTrains only.\n")
    outcome = await holdings.add(moved, "people")
    assert (outcome.changed, outcome.unchanged, outcome.refused) == (["travel.md"], ["leave/annual.md"], [])
    (moved / "leave" / "annual.md").unlink()
    assert (await holdings.add(moved, "people")).removed == ["leave/annual.md"]


async def test_a_file_added_first_belongs_to_its_folder_later(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder / "travel.md", "people")
    (folder / "travel.md").write_text("# Travel\n\nTrains only.\n")
    assert (await holdings.add(folder, "people")).changed == ["travel.md"]


@pytest.mark.parametrize("first", ["leave/annual.md", "leave"])
async def test_what_was_added_by_itself_does_not_stay_beside_its_folder(
    holdings: Holdings, folder: Path, first: str
) -> None:
    await holdings.add(folder / first, "people")
    (folder / "leave" / "annual.md").write_text("# Annual leave\n\nSix days may be carried over.\n")
    outcome = await holdings.add(folder, "people")
    assert (outcome.added, outcome.removed) == (["leave/annual.md", "travel.md"], ["annual.md"])
    assert set(await _texts(holdings)) == {"leave/annual.md", "travel.md"}
    assert (await holdings.add(folder, "people")).removed == []


async def test_a_folder_leaves_the_documents_of_the_one_around_it(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people")
    outcome = await holdings.add(folder / "leave", "people")
    assert outcome.removed == []


async def test_a_file_added_by_itself_stays_where_its_folder_cannot_take_it(
    holdings: Holdings, folder: Path
) -> None:
    await holdings.add(folder / "leave" / "annual.md", "people")
    (folder / "leave" / "annual.md").write_bytes(b"")
    outcome = await holdings.add(folder, "people")
    assert (outcome.removed, [each.path for each in outcome.refused]) == ([], ["leave/annual.md"])


async def test_what_ships_gives_way_to_a_folder_and_does_not_come_back(
    holdings: Holdings, folder: Path, tmp_path: Path
) -> None:
    shelf = tmp_path / "shelf"
    _write(shelf / "travel.md", "# Travel\n\nAs shipped.\n")
    _write(shelf / "chat.md", "# Chat\n\nAs shipped.\n")
    await holdings.add(shelf, "people", source="library", by="library")
    assert (await holdings.add(folder, "people")).changed == ["travel.md"]
    await holdings.remove("people", "chat.md")
    await holdings.put_text("people", "chat.md", "# Chat\n\nOurs.\n", by="U0CHLOE")
    before = await _texts(holdings)
    folder.rename(folder.with_name("elsewhere"))
    outcome = await holdings.add(shelf, "people", source="library", by="library")
    assert [each.why for each in outcome.refused] == ["PathTaken", "PathTaken"]
    assert await _texts(holdings) == before


async def test_a_document_of_a_chat_gives_way_to_a_file(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder / "leave" / "annual.md", "people")
    await holdings.put_text("people", "travel.md", "# Travel\n\nBook late.\n", by="U0CHLOE")
    assert (await holdings.add(folder, "people")).changed == ["travel.md"]


ANA = Actor("U0ANA", groups=frozenset({"S0LEADS"}))


@pytest.mark.parametrize(
    ("allowed", "audience", "may"),
    [
        (["everyone"], Audience(None), True),
        (["everyone"], Audience.of(ANA, Origin("command")), True),
        (["U0ANA"], Audience.of(ANA, Origin("command")), True),
        (["S0LEADS"], Audience.of(ANA, Origin("dm")), True),
        (["U0BEN"], Audience.of(ANA, Origin("command")), False),
        (["U0ANA"], Audience.of(ANA, Origin("mention", visibility="channel")), False),
        (["U0ANA"], Audience.of(ANA, Origin("mention", visibility="channel", readers=("U0ANA",))), True),
        (["U0ANA"], Audience.of(ANA, Origin("mention", visibility="channel", readers=("U0BEN",))), False),
        (
            ["S0LEADS", "U0BEN"],
            Audience.of(ANA, Origin("mention", visibility="channel", readers=("U0ANA", "U0BEN"))),
            True,
        ),
        ([], Audience.of(ANA, Origin("command")), False),
    ],
)
def test_all_readers_must_be_allowed(allowed: list[str], audience: Audience, may: bool) -> None:
    assert audience.may_read(allowed) is may


async def test_a_closed_collection_is_unknown_to_others(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people", audience=["U0BEN"])
    with pytest.raises(UnknownCollection):
        await _ask(holdings, "leave", Audience.of(ANA, Origin("command")))
    await holdings.add(folder, "nobodys", audience=[])
    with pytest.raises(UnknownCollection):
        await holdings.retriever(Audience.of(ANA, Origin("command"))).retrieve(
            "leave", collection="nobodys", limit=1
        )
    await holdings.set_audience("people", ["S0LEADS"])
    assert await _ask(holdings, "leave", Audience.of(ANA, Origin("command")))
    with pytest.raises(UnknownCollection):
        await holdings.retriever(TERMINAL).retrieve("x", collection="nothing", limit=1)


async def test_the_indexes_are_rebuilt_from_the_store(
    holdings: Holdings, folder: Path, tmp_path: Path
) -> None:
    await holdings.add(folder, "people")
    before = await _ask(holdings, "hotel in London")
    assert await holdings.reindex() == ("people",)
    assert await _ask(holdings, "hotel in London") == before


async def test_a_crash_between_store_and_index_heals(
    holdings: Holdings, folder: Path, tmp_path: Path
) -> None:
    await holdings.add(folder, "people")
    await holdings.close()
    # another process changed the store and died before any index heard of it
    elsewhere = Holdings(holdings._store, tmp_path / "elsewhere", FakeClock(), embedder=Embedder.load())
    (folder / "travel.md").write_text("# Travel\n\nA hotel in London may cost 250 GBP a night.\n")
    await elsewhere.add(folder, "people")
    await elsewhere.close()
    texts = await _ask(holdings, "What may a hotel in London cost?")
    assert any("250 GBP" in text for text in texts)
    assert not any("190 GBP" in text for text in texts)


async def test_two_processes_may_share_a_folder(holdings: Holdings, folder: Path, tmp_path: Path) -> None:
    await holdings.add(folder, "people")
    second = Holdings(holdings._store, tmp_path, FakeClock(), embedder=Embedder.load())
    (folder / "new.md").write_text("# Parking\n\nPark behind the building.\n")
    await second.add(folder, "people")
    for one in (holdings, second):
        assert any("Park behind" in text for text in await _ask(one, "Where can I park?"))
    await second.close()


async def test_searches_and_changes_may_cross(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people")
    (folder / "travel.md").write_text("# Travel\n\nA hotel in London may cost 210 GBP a night.\n")
    questions = [_ask(holdings, "hotel in London") for _ in range(8)]
    results, _ = await asyncio.gather(asyncio.gather(*questions), holdings.add(folder, "people"))
    for texts in results:
        prices = [text for text in texts if "GBP" in text]
        assert len(prices) == 1


async def test_removing_and_its_audit(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people", by="U0CHLOE")
    assert await holdings.remove("people", "travel.md", by="U0DEV") == 3
    with pytest.raises(UnknownDocument):
        await holdings.remove("people", "travel.md")
    query = select(audit_events.c.actor, audit_events.c.action, audit_events.c.target)
    rows = holdings._store.read_now(lambda c: c.execute(query.order_by(audit_events.c.seq)).all())
    assert [tuple(row) for row in rows] == [
        ("U0CHLOE", "collection.made", "people"),
        ("U0CHLOE", "document.added", "people/leave/annual.md"),
        ("U0CHLOE", "document.added", "people/travel.md"),
        ("U0DEV", "document.removed", "people/travel.md"),
    ]


async def test_another_model_is_refused_until_reindexed(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people")
    holdings._store.write_now(lambda c: log.update_collection(c, "people", model_id="another"))
    with pytest.raises(MixedModels) as caught:
        await _ask(holdings, "leave")
    assert caught.value.facts["recorded"] == "another/384"
    await holdings.reindex()
    assert await _ask(holdings, "leave")


@pytest.mark.parametrize("question", ["", "   ", "🎉🎉", "?!", "\u200f"])
async def test_a_question_without_words_finds_nothing(
    holdings: Holdings, folder: Path, question: str
) -> None:
    await holdings.add(folder, "people")
    found = await holdings.retriever(TERMINAL).retrieve(question, collection="people", limit=3)
    assert (found.passages, found.support) == ((), 0.0)


async def test_strange_questions_are_answered_all_the_same(holdings: Holdings, folder: Path) -> None:
    await holdings.add(folder, "people")
    for question in ("leave " * 7_000, "كم يوم إجازة", "<!channel> leave?"):
        found = await holdings.retriever(TERMINAL).retrieve(question, collection="people", limit=3)
        assert 0 <= found.support <= 1
        assert found.passages


async def test_wrong_names_and_paths(holdings: Holdings, folder: Path) -> None:
    for name in ("", "Up", "a b", "../x", "x" * 41):
        with pytest.raises(InvalidCollectionName):
            await holdings.add(folder, name)
    with pytest.raises(SourceMissing):
        await holdings.add(folder / "nothing", "people")
