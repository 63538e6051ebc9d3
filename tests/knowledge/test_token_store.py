from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import Embedder
from knowledge.token_store import Text, TokenStore, sentence_starts

TEXTS = [
    Text("c1", "Leave > Carry over", "You may carry over five days. They lapse on 31 March."),
    Text("c2", "Travel", "A hotel in London may cost 190 GBP."),
]


def test_vectors_survive_being_stored_in_eight_bits(tmp_path: Path, embedder: Embedder) -> None:
    store = TokenStore(tmp_path / "people")
    assert store.add(TEXTS, embedder) == 2
    assert store.add(TEXTS, embedder) == 0
    (encoding, _) = embedder.encode_tokens([f"{text.header}\n{text.body}" for text in TEXTS])
    tokens = store.tokens(["c1"])
    cosines = np.einsum("td,td->t", tokens.vectors * tokens.scales[:, None], encoding.tokens)
    assert cosines.min() > 0.995
    assert tokens.ids.tolist() == encoding.token_ids.tolist()
    assert sorted(set(tokens.sentences.tolist())) == [0, 1, 2]
    assert np.allclose(store.vectors(["c1"])[0], encoding.vector, atol=0.02)


def test_another_process_sees_what_was_added(tmp_path: Path, embedder: Embedder) -> None:
    one, other = TokenStore(tmp_path), TokenStore(tmp_path)
    one.add(TEXTS[:1], embedder)
    assert other.add(TEXTS, embedder) == 1
    one.refresh()
    assert "c2" in one
    assert np.array_equal(one.vectors(["c2", "c1"]), other.vectors(["c2", "c1"]))


@pytest.mark.parametrize("name", ["tokens.bin", "vectors.bin", "rows.jsonl"])
def test_bytes_left_by_a_crash_are_written_over(tmp_path: Path, embedder: Embedder, name: str) -> None:
    TokenStore(tmp_path).add(TEXTS[:1], embedder)
    before = TokenStore(tmp_path)
    before.refresh()
    expected = before.tokens(["c1"]).vectors
    with (tmp_path / name).open("ab") as file:
        file.write(b'["c9", 0, 5')
    after = TokenStore(tmp_path)
    assert after.add(TEXTS, embedder) == 1
    assert "c9" not in after
    assert np.array_equal(after.tokens(["c1"]).vectors, expected)
    assert TEXTS[1].chunk_id in after
    assert len(after.tokens(["c2"]).ids) > 5


def test_unknown_chunks_are_errors(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    assert store.vectors([]).shape == (0, 384)
    with pytest.raises(KeyError):
        store.tokens(["c1"])


def test_sentences_start_after_the_header() -> None:
    assert sentence_starts(TEXTS[0]) == (19, 49)
