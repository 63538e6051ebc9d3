"""A question to passages: vectors and words fused, then each candidate read token by token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from knowledge.answer_cues import holds_kind, unmet_specifics
from knowledge.chunking import header_of
from knowledge.document import LiveChunk, Passage, Retrieval
from knowledge.embedding import Embedder, Encoding, Vectors
from knowledge.index import LexicalIndex, rank
from knowledge.near_misses import Cues, prose_share, read_by_cues, read_cues
from knowledge.reading import READ, Reading, together
from knowledge.support import AS_SHIPPED, Calibration, Evidence, support
from knowledge.token_reader import judge
from knowledge.token_store import Text, Tokens, TokenStore

NEAREST = 50
"""Chunks taken from each index."""
CANDIDATES = 30
"""Chunks of the fused list that are read token by token."""
LONGEST_QUERY = 2_000
"""Characters of a question that are read; the model sees about 1,000 of them."""
SEARCHED = 2
"""Passages in which the question's names and numbers should be found."""
SOFTNESS = 6.0
"""How much the soft minimum leans to the worst token; 0 would be the mean."""
VOCABULARY = 30_522
JUDGED_WEIGHT = 0.5
"""How much the network's reading of a passage counts beside that by cues."""

DENSE_WEIGHT, LEXICAL_WEIGHT = 0.7, 0.3
LATE_WEIGHT, WINDOW_WEIGHT, SENTENCE_WEIGHT = 1.0, 1.0, 0.3
TOTAL_WEIGHT = DENSE_WEIGHT + LEXICAL_WEIGHT + LATE_WEIGHT + WINDOW_WEIGHT + SENTENCE_WEIGHT

Mask: TypeAlias = npt.NDArray[np.bool_]
Places: TypeAlias = npt.NDArray[np.int64]

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


@dataclass(frozen=True, slots=True)
class Closeness:
    """For each chunk, how closely the question's tokens match its own."""

    late: Vectors
    """MaxSim: each token of the question at its nearest token, weighted by rarity."""
    weakest: Vectors
    """Its soft minimum."""
    window: Vectors
    """MaxSim within the best two neighbouring sentences."""
    sentence: Vectors
    """Cosine of the nearest sentence."""


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
    )


def search(
    snapshot: Snapshot,
    query: str,
    *,
    limit: int,
    embedder: Embedder,
    calibration: Calibration = AS_SHIPPED,
) -> Retrieval:
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
    evidence = _evidence(snapshot, question, encoding, scored)
    return Retrieval(query, passages, support(evidence, calibration), revisions)


def weigh(snapshot: Snapshot, question: str, *, embedder: Embedder) -> Evidence:
    """The evidence alone, for calibrating. Raises DamagedModel."""
    question = question.strip()[:LONGEST_QUERY]
    encoding = embedder.encode_query(question)
    return _evidence(snapshot, question, encoding, _score(snapshot, question, encoding))


def compare(snapshot: Snapshot, question: str, *, embedder: Embedder) -> Cues:
    """What the question and its best passage have in common, for fitting. Raises DamagedModel."""
    encoding = embedder.encode_query(question)
    scored = _score(snapshot, question, encoding)
    best = snapshot.chunks[scored.positions[0]]
    tokens = snapshot.tokens.tokens([best.chunk.id])
    return _cues(snapshot, question, encoding, best, tokens, float(scored.sentence.max()))


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
    close = _read_closely(snapshot, [ids[i] for i in kept], encoding)
    score = fused[kept] + LATE_WEIGHT * close.late + WINDOW_WEIGHT * close.window
    score = np.clip((score + SENTENCE_WEIGHT * close.sentence) / TOTAL_WEIGHT, 0, 1)
    order = np.argsort(-score, kind="stable")
    return Scored(
        positions[kept][order], score[order], close.late[order], close.weakest[order], close.sentence[order]
    )


def _read_closely(snapshot: Snapshot, chunk_ids: Sequence[str], encoding: Encoding) -> Closeness:
    """Compare every token of the question with every token of the chunks."""
    found = np.zeros((4, len(chunk_ids)), dtype=np.float32)
    read = snapshot.tokens.tokens(chunk_ids)
    held = np.array([start < end for start, end in read.spans])
    if not len(encoding.token_ids) or not held.any():
        return Closeness(*found)
    weight = snapshot.token_idf[encoding.token_ids]
    weight = weight / max(float(weight.sum()), 1e-9)
    # one product for all chunks: many small ones cost more in waking threads than in arithmetic
    products = np.vstack([encoding.tokens, encoding.vector]) @ read.vectors.T * read.scales
    firsts = np.array(read.spans)[held, 0]
    is_start = np.diff(read.sentences.astype(np.int16), prepend=-1) != 0
    is_start[firsts] = True
    starts = np.flatnonzero(is_start)
    chunk_starts = np.searchsorted(starts, firsts)
    is_body = read.sentences[starts] > 0
    best = np.maximum.reduceat(products[:-1], starts, axis=1)
    whole = np.maximum.reduceat(best, chunk_starts, axis=1)
    found[0, held] = weight @ whole
    found[1, held] = -np.log(weight @ np.exp(-SOFTNESS * whole)) / SOFTNESS
    found[2, held] = _best_window(weight, best, is_body, chunk_starts)
    found[3, held] = _best_of_chunk(_sentence_cosines(read, products[-1], starts), is_body, chunk_starts)
    return Closeness(*found)


def _best_window(weight: Vectors, best: Vectors, is_body: Mask, chunk_starts: Places) -> Vectors:
    """MaxSim within two neighbouring sentences: what belongs together counts more than what is scattered."""
    alone = weight @ best
    pairs = weight @ np.maximum(best[:, :-1], best[:, 1:])
    together = is_body[:-1] & is_body[1:]
    together[chunk_starts[1:] - 1] = False
    alone[:-1] = np.where(together, np.maximum(alone[:-1], pairs), alone[:-1])
    return _best_of_chunk(alone, is_body, chunk_starts)


def _sentence_cosines(read: Tokens, products: Vectors, starts: Places) -> Vectors:
    """Cosine of the question with the mean of each sentence's tokens, given its products with them."""
    sums = np.add.reduceat(read.vectors * read.scales[:, None], starts, axis=0)
    cosines: Vectors = np.add.reduceat(products, starts) / np.maximum(np.linalg.norm(sums, axis=1), 1e-9)
    return cosines


def _best_of_chunk(values: Vectors, is_body: Mask, chunk_starts: Places) -> Vectors:
    """Highest value of a chunk's body sentences; 0 when none is positive or there are none."""
    found: Vectors = np.maximum.reduceat(np.where(is_body, values, np.float32(0)), chunk_starts)
    return found


def _cues(
    snapshot: Snapshot, question: str, encoding: Encoding, live: LiveChunk, read: Tokens, nearest: float
) -> Cues:
    rarest = np.log(1 + len(snapshot.chunks))
    return read_cues(
        question,
        encoding,
        encoded_text(live),
        encoding.tokens @ read.vectors.T * read.scales,
        read.sentences,
        token_weight=snapshot.token_idf[encoding.token_ids],
        rarity=lambda word: snapshot.lexical.idf(word) / rarest,
        nearest=nearest,
    )


def rarity_of(snapshot: Snapshot, encoding: Encoding) -> Vectors:
    """How rare each token of a question is in the collection, above 0 and at most 1."""
    rarity: Vectors = snapshot.token_idf[encoding.token_ids] / np.log(2 * len(snapshot.chunks) + 2)
    return rarity


def _read(snapshot: Snapshot, question: str, encoding: Encoding, live: LiveChunk, nearest: float) -> Reading:
    tokens = snapshot.tokens.tokens([live.chunk.id])
    passage = tokens.vectors * tokens.scales[:, None]
    by_network = judge(encoding.tokens, rarity_of(snapshot, encoding), passage, tokens.sentences)
    by_cues = read_by_cues(_cues(snapshot, question, encoding, live, tokens, nearest))
    return Reading(by_cues + JUDGED_WEIGHT * by_network, prose_share(live.chunk.text))


def _evidence(snapshot: Snapshot, question: str, encoding: Encoding, scored: Scored) -> Evidence:
    best = [snapshot.chunks[position] for position in scored.positions[: max(READ, SEARCHED)]]
    searched = [encoded_text(live) for live in best[:SEARCHED]]
    whole = "\n".join(f"{text.header}\n{text.body}" for text in searched)
    nearest = float(scored.sentence.max())
    read = [_read(snapshot, question, encoding, live, nearest) for live in best[:READ]]
    return Evidence(
        late=float(scored.late.max()),
        weakest=float(scored.weakest.max()),
        sentence=nearest,
        lacks_kind=float(not holds_kind(question, searched[0].body)),
        unmet=float(min(3, unmet_specifics(question, whole))),
        reading=together(read, [float(score) for score in scored.score[: len(read)]]),
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
