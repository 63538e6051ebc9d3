import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import Vectors
from knowledge.index import IndexUnreachable, LexicalIndex, MixedModels, VectorIndex, rank

IDS = [f"c{n}" for n in range(20)]
VECTORS = np.eye(20, 384, dtype=np.float32)


def _vectors(ids: list[str]) -> Vectors:
    return VECTORS[[IDS.index(one) for one in ids]]


def _index(folder: Path, model_id: str = "model") -> VectorIndex:
    return VectorIndex(folder, model_id=model_id, dimension=384)


def test_words_are_found_across_endings_and_order_is_by_rarity() -> None:
    index = LexicalIndex(["Claims are paid monthly", "The claim was refused", "Nothing else here"])
    scores = index.scores("How is a claim refused?")
    assert scores.argmax() == 1
    assert scores[0] > 0 == scores[2]
    assert not index.scores("zzz").any()
    assert not LexicalIndex([]).scores("claim").any()
    assert not LexicalIndex(["the of"]).scores("claim").any()


def test_sync_makes_it_hold_exactly_what_is_live(tmp_path: Path) -> None:
    index = _index(tmp_path)
    assert index.sync("people", IDS, _vectors) == (20, 0)
    assert index.search("people", VECTORS[7], 1) == ("c7",)
    assert index.sync("people", IDS[:5], _vectors) == (0, 15)
    assert set(index.search("people", VECTORS[7], 10)) == set(IDS[:5])
    index.drop("people")
    assert index.sync("people", IDS[:1], _vectors) == (1, 0)
    index.close()


def test_one_owner_at_a_time(tmp_path: Path) -> None:
    first, second = _index(tmp_path), _index(tmp_path)
    assert first.claim()
    assert first.claim()
    assert not second.claim()
    first.close()
    assert second.claim()
    second.close()


def test_models_have_collections_of_their_own(tmp_path: Path) -> None:
    one = _index(tmp_path, "one")
    one.sync("people", IDS, _vectors)
    other = _index(tmp_path, "other")
    other._name = one._name  # type: ignore[method-assign]
    with pytest.raises(MixedModels):
        other.search("people", VECTORS[0], 1)
    one.close()


def test_a_server_that_is_not_there_is_named() -> None:
    index = VectorIndex("http://127.0.0.1:9", model_id="model", dimension=384)
    with pytest.raises(IndexUnreachable) as caught:
        index.search("people", VECTORS[0], 1)
    assert caught.value.facts["location"] == "http://127.0.0.1:9"


def test_importing_the_index_does_not_import_chroma() -> None:
    code = (
        "import sys, bot.services.holdings; print('chromadb' in sys.modules or 'onnxruntime' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("limit", "expected"), [(0, []), (2, [1, 2]), (9, [1, 2, 0])])
def test_rank(limit: int, expected: list[int]) -> None:
    assert rank(np.array([1.0, 3.0, 2.0]), limit).tolist() == expected
