"""Chunk and token vectors in append-only, memory-mapped files that several processes may read."""

import contextlib
import fcntl
import json
import os
import threading
import zlib
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


class TokensDamaged(Exception):
    """The files of vectors are missing or not as they were written; they have to be made anew."""

    def __init__(self, folder: Path, file: str) -> None:
        super().__init__(file)
        self.facts = {"folder": folder.name, "file": file, "why": "damaged"}


@dataclass(frozen=True, slots=True)
class Row:
    """Where one chunk stands. The sums are None where an earlier version wrote none."""

    number: int
    start: int
    count: int
    vector_sum: int | None = None
    tokens_sum: int | None = None


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
    """The vectors of one collection. Rows are written once; an id that is known is never encoded again.

    What is read for the first time is compared with its sum. Every method raises TokensDamaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._rows: dict[str, Row] = {}
        self._read_to = 0
        self._file = 0
        self._proven: set[tuple[str, str]] = set()
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

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._rows, self._read_to, self._file = {}, 0, 0
            self._tokens = self._vectors = None

    def refresh(self) -> None:
        """Notice rows that any process has added, or that all were made anew."""
        path = self._folder / "rows.jsonl"
        with self._lock:
            found = path.stat() if path.is_file() else None
            if found is None or found.st_ino != self._file or found.st_size < self._read_to:
                self._rows, self._read_to, self._proven = {}, 0, set()
                self._file = found.st_ino if found else 0
            if found is None or found.st_size == self._read_to:
                return
            self._read_rows(path)
            self._map()

    def _read_rows(self, path: Path) -> None:
        with path.open("rb") as file:
            file.seek(self._read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                try:
                    chunk_id, start, count, *sums = json.loads(line)
                    row = Row(len(self._rows), int(start), int(count), *map(int, sums))
                except (ValueError, TypeError) as error:
                    raise TokensDamaged(self._folder, path.name) from error
                self._read_to += len(line)
                self._rows[str(chunk_id)] = row

    def _map(self) -> None:
        # shapes come from the rows: a crash may have left bytes behind them
        total = max((row.start + row.count for row in self._rows.values()), default=0)
        if total:
            self._tokens = self._mapped("tokens.bin", TOKEN, (total,))
            self._vectors = self._mapped("vectors.bin", np.dtype("<f4"), (len(self._rows), DIMENSION))

    def _mapped(self, name: str, kind: npt.DTypeLike, shape: tuple[int, ...]) -> Any:
        try:
            return np.memmap(self._folder / name, dtype=kind, mode="r", shape=shape)
        except (OSError, ValueError) as error:
            raise TokensDamaged(self._folder, name) from error

    def _prove(self, chunk_id: str, file: str, expected: int | None, content: Any) -> None:
        """Compare what is read with what was written, once a process."""
        if (chunk_id, file) in self._proven:
            return
        if expected is not None and zlib.crc32(content) != expected:
            raise TokensDamaged(self._folder, file)
        self._proven.add((chunk_id, file))

    def __contains__(self, chunk_id: str) -> bool:
        return chunk_id in self._rows

    def vectors(self, chunk_ids: Sequence[str]) -> Vectors:
        """Chunk vectors in the order given; shape (n, 384). Raises KeyError for an unknown id."""
        rows = [self._rows[chunk_id] for chunk_id in chunk_ids]
        if not rows:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        for chunk_id, row in zip(chunk_ids, rows, strict=True):
            self._prove(chunk_id, "vectors.bin", row.vector_sum, self._vectors[row.number])
        return np.asarray(self._vectors[[row.number for row in rows]], dtype=np.float32)

    def tokens(self, chunk_ids: Sequence[str]) -> Tokens:
        """The tokens of chunks in the order given. Raises KeyError for an unknown id."""
        parts = [self._raw(chunk_id) for chunk_id in chunk_ids]
        raw = np.concatenate(parts)
        ends = np.cumsum([len(part) for part in parts]).tolist()
        return Tokens(
            vectors=raw["vector"].astype(np.float32),
            scales=raw["scale"].astype(np.float32),
            ids=raw["id"],
            sentences=raw["sentence"],
            spans=tuple(zip([0, *ends[:-1]], ends, strict=True)),
        )

    def token_ids(self, chunk_id: str) -> npt.NDArray[np.uint16]:
        """Vocabulary ids of one chunk's tokens. Raises KeyError."""
        return np.asarray(self._raw(chunk_id)["id"])

    def _raw(self, chunk_id: str) -> npt.NDArray[Any]:
        row = self._rows[chunk_id]
        part = self._tokens[row.start : row.start + row.count]
        self._prove(chunk_id, "tokens.bin", row.tokens_sum, part)
        return np.asarray(part)

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        with (self._folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _append(self, texts: Sequence[Text], encodings: Sequence[Encoding]) -> None:
        """Write vectors first and the rows that name them last, so that a crash leaves only unnamed bytes."""
        start = max((row.start + row.count for row in self._rows.values()), default=0)
        position = len(self._rows)
        records, lines = [], []
        for text, encoding in zip(texts, encodings, strict=True):
            record = pack(text, encoding)
            sums = zlib.crc32(encoding.vector.astype("<f4").tobytes()), zlib.crc32(record.tobytes())
            records.append(record)
            lines.append(json.dumps([text.chunk_id, start, len(record), *sums]) + "\n")
            start += len(record)
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
