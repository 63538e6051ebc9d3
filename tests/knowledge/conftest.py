import pytest

from knowledge.embedding import Embedder


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder.load()
