"""Collections ready to be searched, taken from the store whenever its revision has moved."""

import functools
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from bot.adapters.store import document_log as log
from bot.adapters.store.database import Store
from knowledge.document import LiveChunk
from knowledge.embedding import Embedder, Vectors
from knowledge.index import MixedModels, VectorIndex
from knowledge.retrieval import Snapshot, encoded_text, exact_nearest, take_snapshot
from knowledge.support import Calibration
from knowledge.token_store import TokenStore

KEPT = 3
"""Snapshots kept of one collection: the newest, and those that runs under way are pinned to."""


class Snapshots:
    """Follows the store. Whatever a crash left behind in the indexes is put right when the next is taken."""

    def __init__(self, store: Store, folder: Path, vectors: VectorIndex, embedder: Embedder) -> None:
        self._store = store
        self._folder = folder
        self._vectors = vectors
        self._embedder = embedder
        self._taken: dict[str, dict[int, Snapshot]] = {}
        self._synced: dict[str, int] = {}
        self._locks: dict[str, threading.RLock] = {}
        self._tokens: dict[str, TokenStore] = {}
        self._guard = threading.Lock()

    def take(self, collection: log.CollectionRow, revision: int | None = None) -> Snapshot:
        """The collection at a revision, or as it is now. Raises MixedModels, DamagedModel."""
        wanted = collection.revision if revision is None else min(revision, collection.revision)
        self._refuse_mixing(collection)
        with self._lock(collection.name):
            taken = self._taken.setdefault(collection.name, {})
            if wanted not in taken:
                taken[wanted] = self._build(collection, wanted)
                for oldest in sorted(taken)[:-KEPT]:
                    if oldest != wanted:
                        del taken[oldest]
            return taken[wanted]

    def encode(self, collection: log.CollectionRow, chunks: Sequence[LiveChunk]) -> None:
        """Put the vectors of chunks where readers will find them, before the store names the chunks."""
        self._refuse_mixing(collection)
        self._token_store(collection.name).add(list(map(encoded_text, chunks)), self._embedder)

    def rehearse(
        self, collection: log.CollectionRow, document_id: str, instead: Sequence[LiveChunk]
    ) -> Snapshot:
        """The collection as it would be with other chunks of one document; kept nowhere. Raises as `take`."""
        live = self.take(collection)
        self.encode(collection, instead)
        chunks = [each for each in live.chunks if each.document.id != document_id] + list(instead)
        tokens, ids = self._token_store(collection.name), [each.chunk.id for each in chunks]
        return take_snapshot(
            collection.name,
            collection.revision,
            chunks,
            tokens=tokens,
            nearest=lambda vector, limit: exact_nearest(tokens, ids, vector, limit),
            calibration=live.calibration,
        )

    def forget(self, collection: str) -> None:
        """Drop everything derived, so that the next snapshot is built from the store alone."""
        with self._lock(collection):
            self._taken.pop(collection, None)
            self._synced.pop(collection, None)
            self._tokens.pop(collection, None)
            shutil.rmtree(self._token_folder(collection), ignore_errors=True)
            if self._vectors.claim():
                self._vectors.drop(collection)

    def ping(self) -> None:
        """Have the index answer. Raises IndexUnreachable, and the index's own errors."""
        self._vectors.ping()

    def close(self) -> None:
        """Let another process own the index."""
        self._vectors.close()

    def _build(self, collection: log.CollectionRow, revision: int) -> Snapshot:
        chunks = self._store.read_now(functools.partial(_chunks_at, name=collection.name, revision=revision))
        self.encode(collection, chunks)
        tokens = self._token_store(collection.name)
        if revision == collection.revision:
            self._sync(collection.name, revision, [live.chunk.id for live in chunks], tokens)
        ids = [live.chunk.id for live in chunks]

        def nearest(vector: Vectors, limit: int) -> Sequence[str]:
            # the index holds one revision; a run pinned to another compares every vector
            if self._synced.get(collection.name) == revision:
                return self._vectors.search(collection.name, vector, limit)
            return exact_nearest(tokens, ids, vector, limit)

        return take_snapshot(
            collection.name,
            revision,
            chunks,
            tokens=tokens,
            nearest=nearest,
            calibration=Calibration(**collection.calibration),
        )

    def _sync(self, name: str, revision: int, ids: Sequence[str], tokens: TokenStore) -> None:
        if ids and self._vectors.claim():
            self._synced.pop(name, None)
            self._vectors.sync(name, ids, tokens.vectors)
            self._synced[name] = revision

    def _refuse_mixing(self, collection: log.CollectionRow) -> None:
        recorded = f"{collection.model_id}/{collection.dimension}"
        current = f"{self._embedder.model_id}/{self._embedder.dimension}"
        if recorded != current:
            raise MixedModels(collection.name, recorded, current)

    def _token_folder(self, collection: str) -> Path:
        return self._folder / "tokens" / collection

    def _token_store(self, collection: str) -> TokenStore:
        with self._guard:
            if collection not in self._tokens:
                self._tokens[collection] = TokenStore(self._token_folder(collection))
            return self._tokens[collection]

    def _lock(self, collection: str) -> threading.RLock:
        with self._guard:
            return self._locks.setdefault(collection, threading.RLock())


def _chunks_at(connection: Connection, *, name: str, revision: int) -> tuple[LiveChunk, ...]:
    return log.chunks_at(connection, name, revision)
