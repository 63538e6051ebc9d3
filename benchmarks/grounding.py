"""Retrieval and abstention on question sets, beside plain BM25 and plain dense retrieval, in one run.

    python benchmarks/grounding.py --data DIR [--cache DIR] [--calibrate QUESTIONS]

DIR holds pairs: NAME.docs.jsonl {id, title, text, heading?} and
NAME.questions.jsonl {question, doc_ids, answerable, answers?}.
Exits 1 unless the default beats both baselines on nDCG@10 on every set.
Vectors take minutes the first time; --cache keeps them. Where cores are few or shared, set OMP_NUM_THREADS=1.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from knowledge.calibrating import FEWEST
from knowledge.calibrating import fit as fit_calibration
from knowledge.chunking import cut
from knowledge.document import Document, LiveChunk
from knowledge.embedding import Embedder
from knowledge.index import LexicalIndex, VectorIndex, rank
from knowledge.loaders import Loader
from knowledge.retrieval import Snapshot, encoded_text, search, take_snapshot, weigh
from knowledge.sentence_ranking import best_sentences
from knowledge.sources import open_source
from knowledge.support import (
    AS_SHIPPED,
    Calibration,
    Evidence,
    Weights,
    support,
    what_counts,
)
from knowledge.token_store import TokenStore

DEEP = 60
"""Chunks taken, so that ten different documents remain."""
OWN, DRAWS = 60, 20
"""Questions of a set that its support is calibrated to, half of them unanswerable as far as there are so many
twice, and how often they are drawn anew."""
QUOTED = 150
"""Questions whose best sentences are looked at; each takes about half a second."""


@dataclass(frozen=True)
class Question:
    """One question with the documents that answer it."""

    text: str
    gold: frozenset[str]
    answers: tuple[str, ...]
    answerable: bool


@dataclass(frozen=True)
class Ranked:
    """What a method gave for one question."""

    documents: tuple[str, ...]
    support: float
    seconds: float


Method = Callable[[str], tuple[Sequence[str], float]]
"""Question to document ids, best first, and a number that is higher the likelier an answer."""


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def read_questions(path: Path) -> list[Question]:
    """Questions of a set."""
    return [
        Question(
            row["question"],
            frozenset(row.get("doc_ids", ())),
            tuple(row.get("answers", ())),
            bool(row["answerable"]),
        )
        for row in read_jsonl(path)
    ]


def chunks_of(rows: Iterable[dict[str, Any]], collection: str) -> list[LiveChunk]:
    """Cut the documents of a set as the product would."""
    found: list[LiveChunk] = []
    for row in rows:
        document = Document(row["id"], collection, row["title"], row["id"], "", 1, "", datetime.now(UTC))
        heading = f"## {row['heading']}\n\n" if row.get("heading") else ""
        found.extend(
            LiveChunk(chunk, document) for chunk in cut(heading + row["text"], document_id=row["id"])
        )
    return found


def chunks_of_folder(folder: Path, collection: str) -> list[LiveChunk]:
    """Cut the files of a folder as the product would."""
    with Loader() as loader:
        rows = []
        for file in open_source(folder).files:
            loaded = loader.load(file.file)
            rows.append({"id": file.path, "title": loaded.title, "text": loaded.text})
    return chunks_of(rows, collection)


def build(name: str, chunks: list[LiveChunk], folder: Path, embedder: Embedder) -> Snapshot:
    """Index chunks with the product's own parts, Chroma included."""
    tokens = TokenStore(folder / "tokens" / name)
    tokens.add(list(map(encoded_text, chunks)), embedder)
    vectors = VectorIndex(folder / "chroma" / name, model_id=embedder.model_id, dimension=embedder.dimension)
    vectors.claim()
    vectors.sync("bench", [live.chunk.id for live in chunks], tokens.vectors)
    return take_snapshot(
        name,
        1,
        chunks,
        tokens=tokens,
        nearest=lambda vector, limit: vectors.search("bench", vector, limit),
    )


def methods(snapshot: Snapshot) -> dict[str, Method]:
    """The two baselines and the default, each with an embedder of its own that has seen no question yet."""
    plain, own = Embedder(), Embedder()
    for embedder in (plain, own):
        embedder.encode_query("warm up")
    ids = [live.chunk.id for live in snapshot.chunks]
    documents = [live.document.id for live in snapshot.chunks]
    vectors = snapshot.tokens.vectors(ids)
    texts = [encoded_text(live) for live in snapshot.chunks]
    lexical = LexicalIndex([f"{text.header}\n{text.body}" for text in texts])

    def bm25(question: str) -> tuple[Sequence[str], float]:
        scores = lexical.scores(question)
        return distinct(documents[i] for i in rank(scores, DEEP) if scores[i] > 0), float(scores.max())

    def dense(question: str) -> tuple[Sequence[str], float]:
        scores = vectors @ plain.encode_query(question).vector
        return distinct(documents[i] for i in rank(scores, DEEP)), float(scores.max())

    def default(question: str) -> tuple[Sequence[str], float]:
        found = search(snapshot, question, limit=DEEP, embedder=own)
        return distinct(passage.document_id for passage in found.passages), found.support

    return {"bm25": bm25, "dense": dense, "default": default}


def distinct(ids: Iterable[str]) -> tuple[str, ...]:
    """The first ten different ids."""
    return tuple(dict.fromkeys(ids))[:10]


def measure(method: Method, questions: Sequence[Question]) -> dict[str, float]:
    """Every figure of one method on one set."""
    ranked = [_timed(method, question.text) for question in questions]
    answerable = [(q, r) for q, r in zip(questions, ranked, strict=True) if q.answerable]
    yes = np.array([r.support for _, r in answerable])
    no = np.array([r.support for q, r in zip(questions, ranked, strict=True) if not q.answerable])
    seconds = np.array([r.seconds for r in ranked])
    return {
        "recall@5": _mean(len(set(r.documents[:5]) & q.gold) / len(q.gold) for q, r in answerable),
        "nDCG@10": _mean(ndcg(r.documents, q.gold) for q, r in answerable),
        "MRR": _mean(reciprocal_rank(r.documents, q.gold) for q, r in answerable),
        "AUROC": auroc(yes, no),
        "kept@5%": float((yes > np.quantile(no, 0.95)).mean()) if len(no) else float("nan"),
        "p50 ms": float(np.quantile(seconds, 0.5) * 1000),
        "p95 ms": float(np.quantile(seconds, 0.95) * 1000),
    }


def _timed(method: Method, question: str) -> Ranked:
    started = time.perf_counter()
    documents, support = method(question)
    return Ranked(tuple(documents), support, time.perf_counter() - started)


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def ndcg(ranked: Sequence[str], gold: frozenset[str]) -> float:
    """Normalised discounted cumulative gain of the first ten, each gold document worth one."""
    gain = sum(1 / np.log2(place + 2) for place, found in enumerate(ranked[:10]) if found in gold)
    return float(gain / sum(1 / np.log2(place + 2) for place in range(min(10, len(gold)))))


def reciprocal_rank(ranked: Sequence[str], gold: frozenset[str]) -> float:
    """One over the place of the first gold document among ten, or 0."""
    return next((1 / (place + 1) for place, found in enumerate(ranked) if found in gold), 0.0)


def auroc(yes: np.ndarray[Any, Any], no: np.ndarray[Any, Any]) -> float:
    """Chance that an answerable question scores above an unanswerable one; a tie counts half."""
    if not len(yes) or not len(no):
        return float("nan")
    above = (yes[:, None] > no[None, :]).mean()
    return float(above + (yes[:, None] == no[None, :]).mean() / 2)


def quoted(snapshot: Snapshot, questions: Sequence[Question], embedder: Embedder) -> dict[int, float]:
    """Share of an even sample whose answer stands in the best 1, 2 and 3 sentences of real retrieval."""
    hits = {1: 0, 2: 0, 3: 0}
    asked = [q for q in questions if q.answerable and q.answers]
    asked = asked[:: 1 + len(asked) // QUOTED]
    for question in asked:
        passages = search(snapshot, question.text, limit=5, embedder=embedder).passages
        sentences = best_sentences(question.text, passages, limit=3, embedder=embedder)
        for limit in hits:
            text = " ".join(sentence.text for sentence in sentences[:limit]).lower()
            hits[limit] += any(answer.lower() in text for answer in question.answers)
    return {limit: count / len(asked) for limit, count in hits.items()} if asked else {}


def calibrated(snapshot: Snapshot, questions: Sequence[Question], embedder: Embedder) -> None:
    """Print how support does on the other questions as shipped, and calibrated to some of the set's own."""
    evidence = [weigh(snapshot, question.text, embedder=embedder) for question in questions]
    yes = np.array([question.answerable for question in questions])
    if min(yes.sum(), (~yes).sum()) < 2 * FEWEST:
        return
    draw, found = np.random.default_rng(1), []
    fewer = min(OWN // 2, int((~yes).sum() // 2))
    for _ in range(DRAWS):
        own = np.concatenate(
            [
                draw.permutation(np.flatnonzero(yes))[: OWN - fewer],
                draw.permutation(np.flatnonzero(~yes))[:fewer],
            ]
        )
        fitted = fit_calibration([evidence[place] for place in own], [bool(yes[place]) for place in own])
        rest = np.setdiff1d(np.arange(len(yes)), own)
        found.append([_judged(evidence, yes, rest, each) for each in (AS_SHIPPED, fitted)])
    for name, figures in zip(("as shipped", f"to {OWN} of its own"), np.mean(found, axis=0), strict=True):
        words = (
            "support {}: AUROC {:.3f}, log loss {:.3f}, at 40 % {:.0%} answered, {:.0%} of the unanswerable"
        )
        print(words.format(name, *figures))


def _judged(
    evidence: Sequence[Evidence], yes: np.ndarray[Any, Any], places: Any, calibration: Calibration
) -> tuple[float, ...]:
    scores, kinds = np.array([support(evidence[place], calibration) for place in places]), yes[places]
    loss = -np.log(np.clip(np.where(kinds, scores, 1 - scores), 1e-9, 1)).mean()
    through = scores >= 0.4
    return auroc(scores[kinds], scores[~kinds]), loss, through[kinds].mean(), through[~kinds].mean()


SIGNS = np.array([1, 1, 1, -1, -1])
"""Which way each piece of evidence can only speak; one that the fit turns round is noise."""


def fit(evidence: Sequence[Evidence], answerable: Sequence[bool]) -> Weights:
    """Logistic regression without the evidence that would speak the wrong way."""
    values = np.array([one.of_topic for one in evidence])
    used = np.ones(values.shape[1], dtype=bool)
    while True:
        weights = np.zeros(values.shape[1])
        weights[used], bias = logistic(values[:, used], np.array(answerable, dtype=float))
        wrong = weights * SIGNS < 0
        if not wrong.any():
            return Weights(bias, *(float(weight) for weight in weights))
        used &= ~wrong


def logistic(values: Any, wanted: Any, ridge: float = 1.0) -> tuple[Any, float]:
    """Weights and bias by Newton's method on standardised values, given back on their own scale."""
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    design = np.column_stack([(values - mean) / spread, np.ones(len(values))])
    penalty = ridge * np.eye(design.shape[1])
    penalty[-1, -1] = 0
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (chance - wanted) + penalty @ weights
        hessian = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        weights -= np.linalg.solve(hessian, gradient)
    scaled = weights[:-1] / spread
    return scaled, float(weights[-1] - scaled @ mean)


def calibrate(path: Path, folder: Path, embedder: Embedder) -> None:
    """Print the constants that fit questions about the shipped handbook."""
    library = Path(__file__).parents[1] / "knowledge" / "library" / "people"
    snapshot = build("library", chunks_of_folder(library, "library"), folder, embedder)
    rows = read_jsonl(path)
    evidence = [weigh(snapshot, row["question"], embedder=embedder) for row in rows]
    answerable = [bool(row["answerable"]) for row in rows]
    weights = fit(evidence, answerable)
    counted = [what_counts(one, weights) for one in evidence]
    odds = [topic + AS_SHIPPED.reading * reading for topic, reading in counted]
    scores = 1 / (1 + np.exp(-np.array(odds)))
    yes = np.array(answerable)
    print(weights)
    print(f"on the questions it was fitted to: AUROC {auroc(scores[yes], scores[~yes]):.3f}")
    for one, score, row in sorted(zip(evidence, scores, rows, strict=True), key=lambda item: item[1]):
        if (score > 0.4) != row["answerable"]:
            print(f"  {score:.2f} {row['answerable']!s:5} {row['question']} {one}")


def report(name: str, data: Path, folder: Path, embedder: Embedder) -> bool:
    """Measure one set and print its table; whether the default beats both baselines on nDCG@10."""
    questions = read_questions(data / f"{name}.questions.jsonl")
    chunks = chunks_of(read_jsonl(data / f"{name}.docs.jsonl"), name)
    started = time.perf_counter()
    snapshot = build(name, chunks, folder, embedder)
    print(f"\n{name}: {len(chunks)} chunks, {len(questions)} questions, indexed in", end=" ")
    print(f"{time.perf_counter() - started:.1f} s")
    results = {key: measure(method, questions) for key, method in methods(snapshot).items()}
    columns = list(results["default"])
    print(f"{'':10}" + "".join(f"{column:>10}" for column in columns))
    for key, figures in results.items():
        print(f"{key:10}" + "".join(f"{figures[c]:10.3f}" for c in columns[:5]), end="")
        print("".join(f"{figures[c]:10.1f}" for c in columns[5:]), flush=True)
    shares = quoted(snapshot, questions, embedder)
    if shares:
        print("answer in the best 1 / 2 / 3 sentences: " + " / ".join(f"{s:.3f}" for s in shares.values()))
    calibrated(snapshot, questions, embedder)
    best = max(results["bm25"]["nDCG@10"], results["dense"]["nDCG@10"])
    return results["default"]["nDCG@10"] > best


def main() -> int:
    """Run; 0 when the default wins on every set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of question sets")
    parser.add_argument("--cache", type=Path, help="folder that keeps vectors from run to run")
    parser.add_argument("--calibrate", type=Path, help="questions about the shipped handbook to fit to")
    options = parser.parse_args()
    embedder = Embedder.load()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.cache or Path(temporary)
        if options.calibrate:
            calibrate(options.calibrate, folder, embedder)
        names = [
            path.name.removesuffix(".docs.jsonl")
            for path in sorted((options.data or folder).glob("*.docs.jsonl"))
        ]
        wins = [report(name, options.data, folder, embedder) for name in names]
    return 0 if all(wins) else 1


if __name__ == "__main__":
    sys.exit(main())
