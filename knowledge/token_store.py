"""Chunk and token vectors in append-only, memory-mapped files that several processes may read."""

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.embedding import DIMENSION, Embedder, Encoding, Vectors
from knowledge.sentences import split_sentences

TOKEN = np.dtype([("vector", "i1", (DIMENSION,)), ("scale", "<f2"), ("id", "<u2"), ("sentence", "u1")])
"""One token: its vector is `vector * scale`; sentences count from 1, 0 is the title and headings."""
VECTOR_BYTES = DIMENSION * 4
LAST_SENTENCE = 255
ENCODE_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Text:
    """What to encode for one chunk."""

    chunk_id: str
    header: str
    """Title and headings; read by the model, not searched for the best sentence."""
    body: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of several chunks, one after the other."""

    vectors: Vectors
    """Without their scale."""
    scales: Vectors
    ids: npt.NDArray[np.uint16]
    sentences: npt.NDArray[np.uint8]
    spans: tuple[tuple[int, int], ...]
    """Start and end of each chunk."""


class TokenStore:
    """The vectors of one collection. Rows are written once; an id that is known is never encoded again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._rows: dict[str, tuple[int, int, int]] = {}
        self._read_to = 0
        self._tokens: Any = None
        self._vectors: Any = None

    def add(self, texts: Sequence[Text], embedder: Embedder) -> int:
        """Encode what is not there yet; returns how many were. Other processes wait for their turn."""
        self.refresh()
        if all(text.chunk_id in self._rows for text in texts):
            return 0
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._lock, self._exclusive():
            self.refresh()
            fresh = [text for text in texts if text.chunk_id not in self._rows]
            for start in range(0, len(fresh), ENCODE_AT_ONCE):
                batch = fresh[start : start + ENCODE_AT_ONCE]
                encodings = embedder.encode_tokens([f"{text.header}\n{text.body}" for text in batch])
                self._append(batch, encodings)
            self.refresh()
        return len(fresh)

    def refresh(self) -> None:
        """Notice rows that any process has added."""
        path = self._folder / "rows.jsonl"
        with self._lock:
            if not path.is_file() or path.stat().st_size == self._read_to:
                return
            with path.open("rb") as file:
                file.seek(self._read_to)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._read_to += len(line)
                    chunk_id, start, count = json.loads(line)
                    self._rows[chunk_id] = (len(self._rows), start, count)
            self._map()

    def _map(self) -> None:
        # shapes come from the rows: a crash may have left bytes behind them
        total = max((start + count for _, start, count in self._rows.values()), default=0)
        if total:
            shape = (len(self._rows), DIMENSION)
            self._tokens = np.memmap(self._folder / "tokens.bin", dtype=TOKEN, mode="r", shape=(total,))
            self._vectors = np.memmap(self._folder / "vectors.bin", dtype="<f4", mode="r", shape=shape)

    def __contains__(self, chunk_id: str) -> bool:
        return chunk_id in self._rows

    def vectors(self, chunk_ids: Sequence[str]) -> Vectors:
        """Chunk vectors in the order given; shape (n, 384). Raises KeyError for an unknown id."""
        rows = [self._rows[chunk_id][0] for chunk_id in chunk_ids]
        if not rows:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        return np.asarray(self._vectors[rows], dtype=np.float32)

    def tokens(self, chunk_ids: Sequence[str]) -> Tokens:
        """The tokens of chunks in the order given. Raises KeyError for an unknown id."""
        rows = [self._rows[chunk_id] for chunk_id in chunk_ids]
        raw = np.concatenate([self._tokens[start : start + count] for _, start, count in rows])
        ends = np.cumsum([count for _, _, count in rows]).tolist()
        return Tokens(
            vectors=raw["vector"].astype(np.float32),
            scales=raw["scale"].astype(np.float32),
            ids=raw["id"],
            sentences=raw["sentence"],
            spans=tuple(zip([0, *ends[:-1]], ends, strict=True)),
        )

    def token_ids(self, chunk_id: str) -> npt.NDArray[np.uint16]:
        """Vocabulary ids of one chunk's tokens. Raises KeyError."""
        _, start, count = self._rows[chunk_id]
        return np.asarray(self._tokens[start : start + count]["id"])

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        with (self._folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _append(self, texts: Sequence[Text], encodings: Sequence[Encoding]) -> None:
        """Write vectors first and the rows that name them last, so that a crash leaves only unnamed bytes."""
        start = max((first + count for _, first, count in self._rows.values()), default=0)
        position = len(self._rows)
        records, lines = [], []
        for text, encoding in zip(texts, encodings, strict=True):
            records.append(pack(text, encoding))
            lines.append(json.dumps([text.chunk_id, start, len(records[-1])]) + "\n")
            start += len(records[-1])
        first = start - sum(map(len, records))
        packed = np.concatenate(records) if records else np.zeros(0, dtype=TOKEN)
        _write_at(self._folder / "tokens.bin", first * TOKEN.itemsize, packed.tobytes())
        vectors = np.stack([encoding.vector for encoding in encodings]).astype("<f4")
        _write_at(self._folder / "vectors.bin", position * VECTOR_BYTES, vectors.tobytes())
        _write_at(self._folder / "rows.jsonl", self._read_to, "".join(lines).encode())
        self.refresh()


def _write_at(path: Path, offset: int, content: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(offset)
        file.seek(offset)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def pack(text: Text, encoding: Encoding) -> npt.NDArray[Any]:
    """Tokens as stored: 8-bit vectors with a scale each, and the sentence each belongs to."""
    records = np.zeros(len(encoding.token_ids), dtype=TOKEN)
    peak = np.abs(encoding.tokens).max(axis=1, initial=1e-6, keepdims=False)
    scale = (peak / 127).astype("<f2")
    quantised = np.rint(encoding.tokens / np.maximum(scale.astype(np.float32), 1e-6)[:, None])
    records["vector"] = np.clip(quantised, -127, 127)
    records["scale"] = scale
    records["id"] = encoding.token_ids
    starts = sentence_starts(text)
    records["sentence"] = [
        min(sum(start <= offset for start in starts), LAST_SENTENCE) for offset, _ in encoding.offsets
    ]
    return records


def sentence_starts(text: Text) -> tuple[int, ...]:
    """Where each sentence of the body begins in the encoded text, in characters."""
    whole = f"{text.header}\n{text.body}"
    position, starts = len(text.header) + 1, []
    for sentence in split_sentences(text.body):
        found = whole.find(sentence[:24], position)
        if found >= 0:
            starts.append(found)
            position = found + min(24, len(sentence))
    return tuple(starts)
