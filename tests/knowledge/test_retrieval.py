from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from knowledge.chunking import cut
from knowledge.document import Chunk, Document, LiveChunk
from knowledge.embedding import Embedder
from knowledge.retrieval import (
    Snapshot,
    _best_window,
    encoded_text,
    exact_nearest,
    search,
    take_snapshot,
    weigh,
)
from knowledge.token_store import TokenStore

PAGES = {
    "Annual leave": "You can carry over up to five days of unused leave until 31 March.",
    "Booking travel": "A hotel in London may cost up to 190 GBP a night, tax included.",
    "Passwords": "A password has at least 14 characters. Change it when Dana in security asks.",
    "Visitors": "Register visitors before 16:00 on the day before they come.",
}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Snapshot:
    live = [
        LiveChunk(chunk, Document(title, "people", title, title, "Chloe", 3, "", datetime.now(UTC)))
        for title, text in PAGES.items()
        for chunk in cut(text, document_id=title)
    ]
    tokens = TokenStore(tmp_path_factory.mktemp("tokens"))
    tokens.add([encoded_text(one) for one in live], embedder)
    ids = [one.chunk.id for one in live]
    return take_snapshot(
        "people",
        7,
        live,
        tokens=tokens,
        nearest=lambda vector, limit: exact_nearest(tokens, ids, vector, limit),
    )


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How much unused leave may I keep for next year?", "Annual leave"),
        ("What may a room in London cost?", "Booking travel"),
        ("How long must my password be?", "Passwords"),
        ("When do I announce a guest?", "Visitors"),
    ],
)
def test_the_right_passage_comes_first(
    snapshot: Snapshot, embedder: Embedder, question: str, title: str
) -> None:
    found = search(snapshot, question, limit=3, embedder=embedder)
    assert found.passages[0].title == title
    assert (found.passages[0].owner, found.passages[0].version) == ("Chloe", 3)
    scores = [passage.score for passage in found.passages]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert found.revisions == {"people": 7}


def test_support_tells_what_is_covered_from_what_is_not(snapshot: Snapshot, embedder: Embedder) -> None:
    def support(question: str) -> float:
        return search(snapshot, question, limit=1, embedder=embedder).support

    covered = [support("How many days can I carry over?"), support("How much may a hotel in London cost?")]
    silent = [support("Who won the world cup in 1998?"), support("How do I bake bread?")]
    assert min(covered) > 0.5 > 0.2 > max(silent)


def test_what_the_question_names_must_be_there(snapshot: Snapshot, embedder: Embedder) -> None:
    london = weigh(snapshot, "What may a hotel in London cost?", embedder=embedder)
    berlin = weigh(snapshot, "What may a hotel in Berlin cost?", embedder=embedder)
    assert (london.unmet, berlin.unmet) == (0, 1)
    assert berlin.weakest < london.weakest


def test_an_id_the_index_still_holds_is_not_shown(snapshot: Snapshot, embedder: Embedder) -> None:
    stale = Snapshot(
        **{
            **{name: getattr(snapshot, name) for name in Snapshot.__slots__},
            "nearest": lambda vector, limit: ["c_gone", snapshot.chunks[0].chunk.id],
        }
    )
    found = search(stale, "carry over leave", limit=9, embedder=embedder)
    assert {passage.chunk_id for passage in found.passages} <= set(snapshot.positions)


def test_a_chunk_without_tokens_is_no_obstacle(tmp_path: Path, embedder: Embedder) -> None:
    document = Document("blank", "people", "", "blank", "", 1, "", datetime.now(UTC))
    live = [LiveChunk(Chunk(f"c{n}", "blank", n, (), text, ""), document) for n, text in enumerate("\u200b5")]
    tokens = TokenStore(tmp_path)
    tokens.add([encoded_text(one) for one in live], embedder)
    blank = take_snapshot(
        "people",
        1,
        live,
        tokens=tokens,
        nearest=lambda vector, limit: ["c0", "c1"],
    )
    found = search(blank, "5 days?", limit=2, embedder=embedder)
    assert [passage.chunk_id for passage in found.passages] == ["c1", "c0"]


def test_two_sentences_are_read_together_but_not_across_chunks_or_with_the_header() -> None:
    # rows: tokens of the question; columns: sentences, of which 0 and 3 are headers
    best = np.array([[1, 1, 0, 0, 0.5, 0], [1, 0, 1, 1, 0.5, 0]], dtype=np.float32)
    is_body = np.array([False, True, True, False, True, True])
    window = _best_window(np.array([0.5, 0.5], dtype=np.float32), best, is_body, np.array([0, 3]))
    assert window.tolist() == [1.0, 0.5]
