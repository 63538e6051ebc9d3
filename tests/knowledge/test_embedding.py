from pathlib import Path

import numpy as np
import pytest

from knowledge import embedding
from knowledge.embedding import DIMENSION, MAX_TOKENS, DamagedModel, Embedder


def test_vectors_are_unit_and_near_in_meaning(embedder: Embedder) -> None:
    vectors = embedder.encode(
        ["How much leave do I have?", "Annual vacation days", "Calibrate the anemometer", ""]
    )
    assert vectors.shape == (4, DIMENSION)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


def test_order_is_kept_whatever_the_lengths(embedder: Embedder) -> None:
    texts = ["a " * n for n in (50, 1, 300, 7, 20)]
    together = embedder.encode(texts)
    assert np.allclose(together, [embedder.encode([text])[0] for text in texts], atol=0.02)


def test_tokens_know_their_place_and_length_is_bounded(embedder: Embedder) -> None:
    (encoding,) = embedder.encode_tokens(["Carry over days " * 300])
    assert len(encoding.token_ids) == MAX_TOKENS - 2
    assert encoding.tokens.shape == (MAX_TOKENS - 2, DIMENSION)
    assert encoding.offsets[0] == (0, 5)


def test_a_question_is_encoded_once(embedder: Embedder) -> None:
    assert embedder.encode_query("same question") is embedder.encode_query("same question")


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "TOKENIZER_SHA256", "0" * 64)
    with pytest.raises(DamagedModel) as caught:
        Embedder().encode(["x"])
    assert caught.value.facts["file"] == "tokenizer.json"
