"""The two indexes of a collection: vectors in Chroma, words in BM25. Both can be rebuilt from the store."""

import contextlib
import fcntl
import hashlib
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.chroma_client import knock, open_client
from knowledge.embedding import Vectors
from knowledge.index_seal import DATABASE, open_seal, seal
from knowledge.words import content_words

WRITE_AT_ONCE = 1_000
READ_AT_ONCE = 10_000
LONGEST_QUERY = 64
"""Words of a query that count, rarest first."""


class MixedModels(Exception):
    """The collection was embedded with another model; it has to be indexed again."""

    def __init__(self, collection: str, recorded: str, current: str) -> None:
        super().__init__(collection)
        self.facts = {"collection": collection, "recorded": recorded, "current": current}


class IndexUnreachable(Exception):
    """The vector store does not answer."""

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(location)
        self.facts = {"location": location, "reason": reason, "why": "unreachable"}


class IndexDamaged(Exception):
    """The folder of the vector store is missing or not as it was left; it has to be made anew."""

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(location)
        self.facts = {"location": location, "reason": reason, "why": "damaged"}


class ForeignIndex(Exception):
    """The vector store holds the collection of another installation, which ours would overwrite."""

    def __init__(self, collection: str, location: str) -> None:
        super().__init__(collection)
        self.facts = {"collection": collection, "location": location, "why": "foreign"}


class LexicalIndex:
    """BM25 over the texts given, by position."""

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s

        words: dict[str, int] = {}
        documents = [[words.setdefault(w, len(words)) for w in content_words(text)] for text in texts]
        frequency = Counter(i for document in documents for i in set(document))
        self._words = words
        self._size = len(texts)
        self._idf = {w: _idf(self._size, frequency[i]) for w, i in words.items()}
        self._bm25: Any = None
        if words:
            self._bm25 = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
            self._bm25.index((documents, words), show_progress=False)

    def scores(self, query: str) -> Vectors:
        """BM25 of every text; zeros when no word is known."""
        known = sorted({w for w in content_words(query) if w in self._words}, key=lambda w: -self._idf[w])
        if not known or self._bm25 is None:
            return np.zeros(self._size, dtype=np.float32)
        ids = [self._words[w] for w in known[:LONGEST_QUERY]]
        return np.asarray(self._bm25.get_scores_from_ids(ids), dtype=np.float32)

    def idf(self, word: str) -> float:
        """How rare a stem is here; the highest for one never seen."""
        return self._idf.get(word, _idf(self._size, 0))


def _idf(size: int, frequency: int) -> float:
    return float(np.log(1 + (size - frequency + 0.5) / (frequency + 0.5)))


class VectorIndex:
    """Chroma, embedded in a folder that one process owns, or a server by URL. Opened at first use.

    What goes wrong in it is raised as IndexUnreachable for a server and as IndexDamaged for a folder.
    """

    def __init__(
        self, location: str | Path, *, model_id: str, dimension: int, owner: Callable[[], str] = lambda: ""
    ) -> None:
        self._location = location
        self._model_id = model_id
        self._dimension = dimension
        self._owner = owner
        self._lock = threading.RLock()
        self._client: Any = None
        self._claim: Any = None
        self._open: dict[str, Any] = {}

    @property
    def is_server(self) -> bool:
        """Whether it is reached by URL."""
        return not isinstance(self._location, Path)

    def claim(self) -> bool:
        """Whether this process may use it: two processes on one folder lose vectors without an error."""
        if not isinstance(self._location, Path):
            return True
        with self._lock:
            if self._claim is None:
                self._location.mkdir(parents=True, exist_ok=True)
                file = (self._location / "owner.lock").open("a")
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    file.close()
                    return False
                self._claim = file
            return True

    def sync(
        self, collection: str, chunk_ids: Sequence[str], vectors: Callable[[Sequence[str]], Vectors]
    ) -> tuple[int, int]:
        """Make the index hold exactly these chunks; returns how many were added and dropped.

        Raises MixedModels and ForeignIndex.
        """
        with self._lock, self._guarded():
            target = self._collection(collection)
            wanted, present = set(chunk_ids), _present(target)
            missing = [chunk_id for chunk_id in chunk_ids if chunk_id not in present]
            for batch in _batches(missing, WRITE_AT_ONCE):
                target.upsert(ids=batch, embeddings=vectors(batch))
            extra = sorted(present - wanted)
            for batch in _batches(extra, WRITE_AT_ONCE):
                target.delete(ids=batch)
            return len(missing), len(extra)

    def ping(self) -> None:
        """Have the vector store answer; where another process owns the folder there is nothing to ask.

        It waits for nobody who is writing.
        """
        if self._claim is None and not self.claim():
            return
        is_open = self._client is not None
        with self._guarded():
            if isinstance(self._location, str):
                knock(self._location)
            client = self._client or self._connected()
            if isinstance(self._location, Path):
                client.heartbeat()
        if is_open and isinstance(self._location, Path) and not (self._location / DATABASE).exists():
            raise IndexDamaged(str(self._location), "missing")

    def search(self, collection: str, vector: Vectors, limit: int) -> tuple[str, ...]:
        """Ids of the nearest chunks, nearest first."""
        with self._guarded():
            target = self._collection(collection)
            found = target.query(query_embeddings=[vector], n_results=limit, include=[])
            return tuple(found["ids"][0])

    def drop(self, collection: str) -> None:
        """Forget the collection's vectors."""
        with self._lock, self._guarded():
            self._open.pop(collection, None)
            name = self._name(collection)
            if name in {c.name for c in self._connected().list_collections()}:
                self._connected().delete_collection(name)

    def reset(self) -> None:
        """Hang up; a folder of ours is emptied as well, so that it can be filled anew."""
        with self._lock:
            self._hang_up()
            if isinstance(self._location, Path) and self._claim is not None:
                self._location.mkdir(parents=True, exist_ok=True)
                for each in self._location.iterdir():
                    if each.name != "owner.lock":
                        shutil.rmtree(each) if each.is_dir() else each.unlink()

    def close(self) -> None:
        """Let another process own the folder."""
        with self._lock:
            was_open = self._client is not None
            self._hang_up()
            if isinstance(self._location, Path) and was_open and (self._location / DATABASE).exists():
                seal(self._location)
            if self._claim is not None:
                self._claim.close()
                self._claim = None

    def _hang_up(self) -> None:
        if self._client is not None:
            # one that is broken may fail to say goodbye
            with contextlib.suppress(Exception):
                self._client.close()
        self._client, self._open = None, {}

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (MixedModels, ForeignIndex, IndexUnreachable, IndexDamaged):
            raise
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            # a panic of the library is no Exception
            kind = IndexUnreachable if self.is_server else IndexDamaged
            raise kind(str(self._location), type(error).__name__) from error

    def _name(self, collection: str) -> str:
        return f"{collection}.{hashlib.sha256(self._model_id.encode()).hexdigest()[:8]}"

    def _collection(self, collection: str) -> Any:
        with self._lock:
            if collection not in self._open:
                self._open[collection] = self._opened(collection)
            return self._open[collection]

    def _opened(self, collection: str) -> Any:
        ours = {"model_id": self._model_id, "dimension": self._dimension, "installation": self._owner()}
        # None is said each time: a collection opened without one falls back to a model it downloads
        target = self._connected().get_or_create_collection(
            self._name(collection),
            embedding_function=None,
            metadata=ours,
            configuration={"hnsw": {"space": "cosine"}},
        )
        recorded = {**ours, **(target.metadata or {})}
        if (recorded["model_id"], recorded["dimension"]) != (self._model_id, self._dimension):
            was = f"{recorded['model_id']}/{recorded['dimension']}"
            raise MixedModels(collection, was, f"{self._model_id}/{self._dimension}")
        if ours["installation"] and recorded["installation"] not in ("", ours["installation"]):
            raise ForeignIndex(collection, str(self._location))
        return target

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                if isinstance(self._location, Path) and not open_seal(self._location):
                    raise IndexDamaged(str(self._location), "not as it was left")
                try:
                    self._client = open_client(self._location)
                except Exception as error:
                    raise IndexUnreachable(str(self._location), type(error).__name__) from error
            return self._client


def _present(target: Any) -> set[str]:
    present: set[str] = set()
    for offset in range(0, target.count(), READ_AT_ONCE):
        present.update(target.get(limit=READ_AT_ONCE, offset=offset, include=[])["ids"])
    return present


def try_folder(folder: Path) -> None:
    """Read all that is in a folder: every id, and the vectors of each collection. It may kill the process."""
    client = open_client(folder)
    for found in client.list_collections():
        target = client.get_collection(found.name, embedding_function=None)
        _present(target)
        some = target.get(limit=3, include=["embeddings"])["embeddings"]
        if len(some):
            target.query(query_embeddings=some, n_results=3, include=[])


def _batches(items: Sequence[str], size: int) -> list[list[str]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def rank(scores: npt.NDArray[Any], limit: int) -> npt.NDArray[np.int64]:
    """Positions of the highest scores, best first."""
    limit = min(limit, len(scores))
    if limit == 0:
        return np.zeros(0, dtype=np.int64)
    top = np.argpartition(-scores, limit - 1)[:limit]
    return top[np.argsort(-scores[top], kind="stable")].astype(np.int64)
