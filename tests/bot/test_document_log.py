from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot.adapters.store import document_log as log
from bot.adapters.store.database import Store
from knowledge.chunking import cut
from knowledge.document import Document
from knowledge.support import Calibration

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def _collection(name: str = "people") -> log.CollectionRow:
    return log.CollectionRow(name, ("everyone",), 0, "model", 384)


def _document(text: str, path: str = "leave.md", owner: str = "Chloe") -> Document:
    return Document(f"d_{path}", "people", "Leave", path, owner, 0, "0" * 64, NOW, text)


def _put(store: Store, text: str, path: str = "leave.md", owner: str = "Chloe") -> tuple[int, int]:
    document = _document(text, path, owner)
    row = log.DocumentRow(document, "/handbook", "1" * 64)
    return store.write_now(lambda c: log.put_document(c, row, cut(text, document_id=document.id)))


@pytest.fixture
def people(store: Store) -> Store:
    store.write_now(lambda c: log.insert_collection(c, _collection(), now=NOW))
    return store


def _texts(store: Store, revision: int) -> list[tuple[str, int, str]]:
    rows = store.read_now(lambda c: log.chunks_at(c, "people", revision))
    return [(live.chunk.text, live.document.version, live.document.owner) for live in rows]


def test_a_collection_comes_back_as_it_was_stored(people: Store) -> None:
    assert people.read_now(lambda c: log.find_collection(c, "people")) == _collection()
    assert people.read_now(lambda c: log.find_collection(c, "other")) is None
    assert people.read_now(log.list_collections) == (_collection(),)
    with pytest.raises(IntegrityError):
        people.write_now(lambda c: log.insert_collection(c, _collection(), now=NOW))


def test_every_change_is_a_revision_and_old_ones_can_still_be_read(people: Store) -> None:
    assert _put(people, "# A\n\nFive days.\n\n# B\n\nStays.") == (1, 1)
    assert _put(people, "# A\n\nEight days.\n\n# B\n\nStays.", owner="Dev") == (2, 2)
    assert _texts(people, 1) == [("Five days.", 1, "Chloe"), ("Stays.", 1, "Chloe")]
    assert _texts(people, 2) == [("Eight days.", 2, "Dev"), ("Stays.", 2, "Dev")]
    stored = people.read_now(lambda c: log.find_document(c, "people", "leave.md"))
    assert stored is not None
    assert (stored.document.version, stored.document.text[:15]) == (2, "# A\n\nEight days")


def test_a_removed_document_leaves_and_may_come_back(people: Store) -> None:
    _put(people, "Five days.")
    stored = people.read_now(lambda c: log.find_document(c, "people", "leave.md"))
    assert stored is not None
    assert people.write_now(lambda c: log.remove_document(c, stored.document)) == 2
    assert people.read_now(lambda c: log.list_documents(c, "people")) == ()
    assert people.read_now(lambda c: log.list_sources(c, "people")) == ()
    assert _texts(people, 2) == []
    assert _put(people, "Five days.") == (2, 3)
    assert _texts(people, 1) == [("Five days.", 1, "Chloe")]
    assert _texts(people, 3) == [("Five days.", 2, "Chloe")]


def test_a_failed_change_changes_nothing(people: Store) -> None:
    _put(people, "Five days.")

    def fail(connection: log.Connection) -> None:
        row = log.DocumentRow(_document("Eight days."), "/handbook", "2" * 64)
        log.put_document(connection, row, cut("Eight days.", document_id="d_leave.md"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        people.write_now(fail)
    assert _texts(people, 9) == [("Five days.", 1, "Chloe")]
    row = people.read_now(lambda c: log.find_collection(c, "people"))
    assert row is not None
    assert row.revision == 1


def test_sources_and_hashes_are_noted_without_a_revision(people: Store) -> None:
    _put(people, "Five days.")
    people.write_now(lambda c: log.touch_document(c, "d_leave.md", source="/moved", source_hash="3" * 64))
    stored = people.read_now(lambda c: log.find_document(c, "people", "leave.md"))
    assert stored is not None
    assert (stored.source, stored.source_hash) == ("/moved", "3" * 64)
    assert people.read_now(lambda c: log.list_sources(c, "people")) == ("/moved",)
    assert _texts(people, 1) == [("Five days.", 1, "Chloe")]


def test_times_come_back_aware(people: Store) -> None:
    _put(people, "Five days.")
    stored = people.read_now(lambda c: log.find_document(c, "people", "leave.md"))
    assert stored is not None
    assert stored.document.updated_at == NOW
    assert stored.document.updated_at.utcoffset() == timedelta(0)


def test_a_collection_keeps_its_readers_and_its_calibration(people: Store) -> None:
    people.write_now(lambda c: log.update_collection(c, "people", audience=["U1"]))
    own = Calibration(slope=0.75, offset=-1.5)
    for calibration, stored in ((own, asdict(own)), (Calibration(), {})):
        people.write_now(lambda c, calibration=calibration: log.set_calibration(c, "people", calibration))
        row = people.read_now(lambda c: log.find_collection(c, "people"))
        assert row is not None and (row.audience, row.calibration) == (("U1",), calibration)
        kept = people.read_now(lambda c: c.execute(select(log.collections.c.calibration)).scalar_one())
        assert kept == stored, "what is as shipped follows what later versions ship"
