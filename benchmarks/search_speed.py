"""Milliseconds a search takes in a large collection, embedding and closer reading included.

    OMP_NUM_THREADS=1 python benchmarks/search_speed.py --data DIR [--set NAME] [--chunks N] [--cache DIR]

The collection is the set's own chunks, repeated: half of a copy's words are another chunk's, its vector is
moved a little at random, and it shares the token vectors of its original, so memory is read with more luck
than among as many different chunks. Exits 1 when 95 % of searches do not stay within 120 ms.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from grounding import chunks_of, read_jsonl, read_questions

from knowledge.document import LiveChunk
from knowledge.embedding import Embedder, Vectors, unit
from knowledge.index import VectorIndex
from knowledge.retrieval import encoded_text, search, take_snapshot
from knowledge.token_store import Tokens, TokenStore

LONGEST_MS = 120
WARM_UP = 10
NOISE = 0.02
"""Standard deviation in each of 384 dimensions: copies are at a cosine of about .93."""


class CopiedTokens(TokenStore):
    """A store in which the chunk with the number n is the original n modulo their number."""

    def __init__(self, store: TokenStore, originals: Sequence[str], size: int) -> None:
        self._store, self._originals = store, originals
        moved = store.vectors(originals)[np.arange(size) % len(originals)]
        self._moved = unit(moved + np.random.default_rng(0).normal(0, NOISE, moved.shape))

    def _original(self, chunk_id: str) -> str:
        return self._originals[int(chunk_id) % len(self._originals)]

    def vectors(self, chunk_ids: Sequence[str]) -> Vectors:
        """As moved."""
        return self._moved[list(map(int, chunk_ids))]

    def tokens(self, chunk_ids: Sequence[str]) -> Tokens:
        """Of the originals."""
        return self._store.tokens(list(map(self._original, chunk_ids)))

    def token_ids(self, chunk_id: str) -> Any:
        """Of the original."""
        return self._store.token_ids(self._original(chunk_id))


def copies(chunks: Sequence[LiveChunk], size: int) -> list[LiveChunk]:
    """As many chunks as asked for; the first are the originals, numbered."""
    chance = random.Random(0)
    words = [live.chunk.text.split() for live in chunks]
    found = []
    for number in range(size):
        live, own = chunks[number % len(chunks)], words[number % len(chunks)]
        other = chance.choice(words)
        mixed = " ".join(own[: len(own) // 2] + other[len(other) // 2 :])
        text = live.chunk.text if number < len(chunks) else mixed
        found.append(replace(live, chunk=replace(live.chunk, id=str(number), text=text)))
    return found


def main() -> int:
    """Run; 0 when it is fast enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of question sets")
    parser.add_argument("--set", default="tts_handbook", help="which of them")
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--cache", type=Path, help="the folder grounding.py was given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        seconds = measure(options, Path(temporary))
    p50, p95 = np.quantile(seconds, [0.5, 0.95]) * 1000
    print(f"{options.chunks} chunks, {len(seconds)} questions: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    return 0 if p95 <= LONGEST_MS else 1


def measure(options: argparse.Namespace, temporary: Path) -> list[float]:
    """Seconds of each question's search, after some to warm up."""
    embedder = Embedder.load()
    chunks = chunks_of(read_jsonl(options.data / f"{options.set}.docs.jsonl"), options.set)
    store = TokenStore((options.cache or temporary) / "tokens" / options.set)
    store.add(list(map(encoded_text, chunks)), embedder)
    live = copies(chunks, options.chunks)
    tokens = CopiedTokens(store, [one.chunk.id for one in chunks], options.chunks)
    vectors = VectorIndex(temporary / "chroma", model_id=embedder.model_id, dimension=embedder.dimension)
    vectors.claim()
    vectors.sync("bench", [one.chunk.id for one in live], tokens.vectors)
    snapshot = take_snapshot(
        options.set,
        1,
        live,
        tokens=tokens,
        nearest=lambda vector, limit: vectors.search("bench", vector, limit),
    )
    seconds = []
    for question in read_questions(options.data / f"{options.set}.questions.jsonl"):
        started = time.perf_counter()
        search(snapshot, question.text, limit=10, embedder=embedder)
        seconds.append(time.perf_counter() - started)
    return seconds[WARM_UP:]


if __name__ == "__main__":
    sys.exit(main())
