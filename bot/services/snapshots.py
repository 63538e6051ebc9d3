"""Collections ready to be searched, taken from the store whenever its revision has moved."""

import functools
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog
from sqlalchemy import Connection

from bot.adapters.store import document_log as log
from bot.adapters.store.database import Store
from knowledge.document import LiveChunk
from knowledge.embedding import Embedder, Vectors
from knowledge.index import ForeignIndex, IndexDamaged, IndexUnreachable, MixedModels, VectorIndex
from knowledge.retrieval import Snapshot, encoded_text, exact_nearest, take_snapshot
from knowledge.token_store import TokensDamaged, TokenStore

log_ = structlog.get_logger(__name__)

KEPT = 3
"""Snapshots kept of one collection: the newest, and those that runs under way are pinned to."""


class KnowledgeRebuilding(Exception):
    """What a collection is searched by is being made anew from the store; it is back in a while."""

    def __init__(self, collection: str) -> None:
        super().__init__(collection)
        self.facts = {"collection": collection, "why": "rebuilding"}


class Snapshots:
    """Follows the store. Whatever a crash left behind in the indexes is put right when the next is taken.

    Without the vector index every vector is compared, which finds the same. Where `mend` is called again and
    again, nobody waits for an index; elsewhere it is made when it is needed.
    """

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
        self._trouble: Exception | None = None
        self._damaged: set[str] = set()
        self.is_mended = False
        """Whether somebody calls `mend` in this process."""

    def take(self, collection: log.CollectionRow, revision: int | None = None) -> Snapshot:
        """The collection at a revision, or as it is now.

        Raises MixedModels, DamagedModel, KnowledgeRebuilding.
        """
        wanted = collection.revision if revision is None else min(revision, collection.revision)
        self._refuse_mixing(collection)
        if collection.name in self._damaged and self.is_mended:
            raise KnowledgeRebuilding(collection.name)
        with self._lock(collection.name):
            if collection.name not in self._damaged:
                try:
                    return self._taken_at(collection, wanted)
                except TokensDamaged as error:
                    self.found_damaged(collection.name, error)
            if self.is_mended:
                raise KnowledgeRebuilding(collection.name)
            self._make_anew(collection)
            return self._taken_at(collection, wanted)

    def _taken_at(self, collection: log.CollectionRow, wanted: int) -> Snapshot:
        taken = self._taken.setdefault(collection.name, {})
        if wanted not in taken:
            taken[wanted] = self._build(collection, wanted)
            for oldest in sorted(taken)[:-KEPT]:
                if oldest != wanted:
                    del taken[oldest]
        return taken[wanted]

    def found_damaged(self, collection: str, error: Exception) -> None:
        """Note that the vectors of a collection cannot be read any more."""
        log_.warning("knowledge.damaged", collection=collection, error=type(error).__name__)
        self._damaged.add(collection)

    def mend(self, collections: Sequence[log.CollectionRow]) -> None:
        """Make anew what is missing, damaged or behind. What cannot be reached is tried again next time."""
        self.is_mended = True
        for row in collections:
            if row.name in self._damaged:
                with self._lock(row.name):
                    self._make_anew(row)
                    self._taken_at(row, row.revision)
        self._mend_index(collections)

    def _mend_index(self, collections: Sequence[log.CollectionRow]) -> None:
        try:
            self._vectors.ping()
            if self._trouble is not None:
                self._vectors.reset()
                self._synced.clear()
            for row in collections:
                self._catch_up(row)
        except MixedModels as error:
            self._trouble = error
        except (IndexUnreachable, IndexDamaged, ForeignIndex) as error:
            self._failed(error)
            if isinstance(error, IndexDamaged):
                # the next round begins with an empty folder
                self._vectors.reset()
        else:
            if self._trouble is not None:
                log_.info("knowledge.index_mended")
            self._trouble = None

    def _catch_up(self, row: log.CollectionRow) -> None:
        with self._lock(row.name):
            snapshot = self._taken.get(row.name, {}).get(row.revision)
        if snapshot is not None and self._synced.get(row.name) != row.revision:
            ids = [live.chunk.id for live in snapshot.chunks]
            self._sync(row.name, row.revision, ids, snapshot.tokens)

    def _make_anew(self, collection: log.CollectionRow) -> None:
        """Encode every chunk again from what the store holds."""
        with self._guard:
            self._tokens.pop(collection.name, None)
        shutil.rmtree(self._token_folder(collection.name), ignore_errors=True)
        self._taken.pop(collection.name, None)
        chunks = self._store.read_now(
            functools.partial(_chunks_at, name=collection.name, revision=collection.revision)
        )
        self.encode(collection, chunks)
        self._damaged.discard(collection.name)
        log_.info("knowledge.made_anew", collection=collection.name, chunks=len(chunks))

    def _failed(self, error: Exception) -> None:
        if type(error) is not type(self._trouble):
            log_.warning("knowledge.index_failed", error=type(error).__name__, **_facts(error))
        self._trouble = error
        self._synced.clear()

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
        """Have the index answer.

        Raises IndexUnreachable, IndexDamaged, ForeignIndex, MixedModels, KnowledgeRebuilding.
        """
        if self._damaged:
            raise KnowledgeRebuilding(min(self._damaged))
        if self._trouble is not None:
            # raised again and again, it would keep where from each time
            raise self._trouble.with_traceback(None)
        self._vectors.ping()

    def close(self) -> None:
        """Let another process own the index, and let go of every file."""
        self._vectors.close()
        with self._guard:
            for tokens in self._tokens.values():
                tokens.close()
            self._tokens.clear()
        self._taken.clear()
        self._synced.clear()

    def _build(self, collection: log.CollectionRow, revision: int) -> Snapshot:
        chunks = self._store.read_now(functools.partial(_chunks_at, name=collection.name, revision=revision))
        self.encode(collection, chunks)
        tokens = self._token_store(collection.name)
        ids = [live.chunk.id for live in chunks]
        if revision == collection.revision and not self.is_mended:
            self._try_sync(collection.name, revision, ids, tokens)

        def nearest(vector: Vectors, limit: int) -> Sequence[str]:
            # the index holds one revision; a run pinned to another compares every vector
            if self._synced.get(collection.name) == revision:
                try:
                    return self._vectors.search(collection.name, vector, limit)
                except (IndexUnreachable, IndexDamaged) as error:
                    self._failed(error)
            return exact_nearest(tokens, ids, vector, limit)

        return take_snapshot(
            collection.name,
            revision,
            chunks,
            tokens=tokens,
            nearest=nearest,
        )

    def _try_sync(self, name: str, revision: int, ids: Sequence[str], tokens: TokenStore) -> None:
        try:
            try:
                self._sync(name, revision, ids, tokens)
            except IndexDamaged:
                self._vectors.reset()
                self._sync(name, revision, ids, tokens)
        except (IndexUnreachable, IndexDamaged, ForeignIndex) as error:
            self._failed(error)

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


def _facts(error: Exception) -> Mapping[str, str]:
    found: Mapping[str, str] = getattr(error, "facts", {})
    return {key: found[key] for key in ("reason", "collection") if key in found}
