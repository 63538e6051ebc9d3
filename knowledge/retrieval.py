"""A question to passages: vectors and words fused, then each candidate read token by token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge.answer_cues import holds_kind, unmet_specifics
from knowledge.chunking import header_of
from knowledge.document import LiveChunk, Passage, Retrieval
from knowledge.embedding import Embedder, Encoding, Vectors
from knowledge.index import LexicalIndex, rank
from knowledge.support import Calibration, Evidence, support
from knowledge.token_store import Text, TokenStore

NEAREST = 50
"""Chunks taken from each index."""
CANDIDATES = 40
"""Chunks of the fused list that are read token by token."""
LONGEST_QUERY = 2_000
"""Characters of a question that are read; the model sees about 1,000 of them."""
PASSAGES_READ = 2
"""Passages in which the question's names and numbers should be found."""
SOFTNESS = 6.0
"""How much the soft minimum leans to the worst token; 0 would be the mean."""
VOCABULARY = 30_522

DENSE_WEIGHT, LEXICAL_WEIGHT = 0.7, 0.3
LATE_WEIGHT, SENTENCE_WEIGHT = 1.0, 0.3

Nearest = Callable[[Vectors, int], Sequence[str]]
"""Ids of the chunks nearest to a vector."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A collection at one revision, ready to be searched."""

    collection: str
    revision: int
    chunks: tuple[LiveChunk, ...]
    positions: dict[str, int]
    lexical: LexicalIndex
    tokens: TokenStore
    token_idf: Vectors
    nearest: Nearest
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates, best first, with what each was judged by."""

    positions: npt.NDArray[np.int64]
    score: Vectors
    late: Vectors
    weakest: Vectors
    sentence: Vectors


def encoded_text(live: LiveChunk) -> Text:
    """What the model reads of a chunk."""
    return Text(live.chunk.id, header_of(live.document.title, live.chunk.headings), live.chunk.text)


def take_snapshot(
    collection: str,
    revision: int,
    chunks: Sequence[LiveChunk],
    *,
    tokens: TokenStore,
    nearest: Nearest,
    calibration: Calibration,
) -> Snapshot:
    """Index what is live. The tokens must hold every chunk."""
    texts = [encoded_text(live) for live in chunks]
    ids = [live.chunk.id for live in chunks]
    return Snapshot(
        collection=collection,
        revision=revision,
        chunks=tuple(chunks),
        positions={chunk_id: position for position, chunk_id in enumerate(ids)},
        lexical=LexicalIndex([f"{text.header}\n{text.body}" for text in texts]),
        tokens=tokens,
        token_idf=_token_idf(tokens, ids),
        nearest=nearest,
        calibration=calibration,
    )


def search(snapshot: Snapshot, query: str, *, limit: int, embedder: Embedder) -> Retrieval:
    """The best passages and how far they can carry an answer. Raises DamagedModel."""
    question = query.strip()[:LONGEST_QUERY]
    revisions = {snapshot.collection: snapshot.revision}
    if not snapshot.chunks or not any(character.isalnum() for character in question):
        return Retrieval(query, (), 0.0, revisions)
    encoding = embedder.encode_query(question)
    scored = _score(snapshot, question, encoding)
    best = scored.positions[:limit]
    passages = tuple(
        _passage(snapshot.chunks[position], float(score))
        for position, score in zip(best, scored.score[:limit], strict=True)
    )
    evidence = _evidence(snapshot, question, scored)
    return Retrieval(query, passages, support(evidence, snapshot.calibration), revisions)


def weigh(snapshot: Snapshot, question: str, *, embedder: Embedder) -> Evidence:
    """The evidence alone, for calibrating. Raises DamagedModel."""
    return _evidence(snapshot, question, _score(snapshot, question, embedder.encode_query(question)))


def _score(snapshot: Snapshot, question: str, encoding: Encoding) -> Scored:
    lexical = snapshot.lexical.scores(question)
    lexical = lexical / max(float(lexical.max()), 1e-9)
    near = snapshot.nearest(encoding.vector, NEAREST)
    found = {snapshot.positions[chunk_id] for chunk_id in near if chunk_id in snapshot.positions}
    found.update(int(position) for position in rank(lexical, NEAREST))
    positions = np.array(sorted(found), dtype=np.int64)
    ids = [snapshot.chunks[position].chunk.id for position in positions]
    cosine = snapshot.tokens.vectors(ids) @ encoding.vector
    fused = DENSE_WEIGHT * cosine + LEXICAL_WEIGHT * lexical[positions]
    kept = rank(fused, CANDIDATES)
    late, weakest, sentence = _read_closely(snapshot, [ids[i] for i in kept], encoding)
    score = fused[kept] + LATE_WEIGHT * late + SENTENCE_WEIGHT * sentence
    score = np.clip(score / (DENSE_WEIGHT + LEXICAL_WEIGHT + LATE_WEIGHT + SENTENCE_WEIGHT), 0, 1)
    order = np.argsort(-score, kind="stable")
    kept = kept[order]
    return Scored(positions[kept], score[order], late[order], weakest[order], sentence[order])


def _read_closely(
    snapshot: Snapshot, chunk_ids: Sequence[str], encoding: Encoding
) -> tuple[Vectors, Vectors, Vectors]:
    """For each chunk: MaxSim weighted by rarity, its soft minimum, and the cosine of the nearest sentence."""
    late, weakest, nearest = np.zeros((3, len(chunk_ids)), dtype=np.float32)
    if not len(encoding.token_ids):
        return late, weakest, nearest
    weight = snapshot.token_idf[encoding.token_ids]
    weight = weight / max(float(weight.sum()), 1e-9)
    read = snapshot.tokens.tokens(chunk_ids)
    # one product for all chunks: forty small ones cost more in waking threads than in arithmetic
    products = np.vstack([encoding.tokens, encoding.vector]) @ read.vectors.T * read.scales
    for index, (start, end) in enumerate(read.spans):
        if start == end:
            continue
        best = products[:-1, start:end].max(axis=1)
        late[index] = best @ weight
        weakest[index] = -np.log(np.exp(-SOFTNESS * best) @ weight) / SOFTNESS
        span = slice(start, end)
        vectors = read.vectors[span] * read.scales[span, None]
        nearest[index] = _nearest_sentence(vectors, read.sentences[span], products[-1, span])
    return late, weakest, nearest


def _nearest_sentence(vectors: Vectors, sentences: npt.NDArray[np.uint8], products: Vectors) -> float:
    starts = np.flatnonzero(np.diff(sentences.astype(np.int16), prepend=-1))
    lengths = np.linalg.norm(np.add.reduceat(vectors, starts, axis=0), axis=1)
    cosines = np.add.reduceat(products, starts) / np.maximum(lengths, 1e-9)
    is_body = sentences[starts] > 0
    return float(cosines[is_body].max()) if is_body.any() else 0.0


def _evidence(snapshot: Snapshot, question: str, scored: Scored) -> Evidence:
    read = [encoded_text(snapshot.chunks[position]) for position in scored.positions[:PASSAGES_READ]]
    whole = "\n".join(f"{text.header}\n{text.body}" for text in read)
    return Evidence(
        late=float(scored.late.max()),
        weakest=float(scored.weakest.max()),
        sentence=float(scored.sentence.max()),
        lacks_kind=float(not holds_kind(question, read[0].body)),
        unmet=float(min(3, unmet_specifics(question, whole))),
    )


def _passage(live: LiveChunk, score: float) -> Passage:
    chunk, document = live.chunk, live.document
    return Passage(
        chunk_id=chunk.id,
        document_id=document.id,
        collection=document.collection,
        title=document.title,
        headings=chunk.headings,
        location=chunk.location,
        text=chunk.text,
        version=document.version,
        owner=document.owner,
        updated_at=document.updated_at,
        score=score,
    )


def _token_idf(tokens: TokenStore, chunk_ids: Sequence[str]) -> Vectors:
    frequency = np.zeros(VOCABULARY, dtype=np.float32)
    for chunk_id in chunk_ids:
        frequency[np.unique(tokens.token_ids(chunk_id))] += 1
    idf: Vectors = np.log(1 + (len(chunk_ids) - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
    return idf


def exact_nearest(tokens: TokenStore, chunk_ids: Sequence[str], vector: Vectors, limit: int) -> Sequence[str]:
    """Ids of the nearest chunks by comparing every vector; 4 ms at 100,000."""
    return [chunk_ids[i] for i in rank(tokens.vectors(chunk_ids) @ vector, limit)]
