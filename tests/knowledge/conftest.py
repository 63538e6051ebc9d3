import pytest
from hypothesis import settings

from knowledge.embedding import Embedder

# how long an example takes says more about the machine's load than about the code
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder.load()
