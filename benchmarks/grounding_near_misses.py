"""Fit what tells an answer from a near miss, on articles that no benchmark asks about.

    python benchmarks/grounding_near_misses.py --squad dev-v2.0.json [--cache DIR] [--write]

Takes questions in the form of SQuAD 2.0, whose unanswerable ones are near misses. Articles of the benchmark's
set are left out; the others become collections of three. Prints the mean AUROC of collections that were not
fitted to, with its 95 % bootstrap interval; --write keeps the weights fitted to all for the product.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.grounding import auroc, build, chunks_of, logistic
from knowledge.embedding import Embedder
from knowledge.near_misses import Cues
from knowledge.retrieval import compare

WEIGHTS = Path(__file__).parents[1] / "knowledge" / "embedding_data" / "near_miss_weights.json"
BENCHMARKED = {"Normans", "Computational_complexity_theory", "Rhine"}
TOGETHER = 3
"""Articles in a collection, as in the benchmark's."""
FOLDS, RIDGE, DRAWS = 4, 100.0, 1000


def articles(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """The articles of all files, without those of the benchmark, by title."""
    found = [one for path in paths for one in json.loads(path.read_text(encoding="utf-8"))["data"]]
    return sorted(
        (one for one in found if one["title"] not in BENCHMARKED), key=lambda one: str(one["title"])
    )


def rows_of(collection: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[tuple[str, bool]]]:
    """Documents, one a paragraph, and questions with whether they can be answered."""
    documents, questions = [], []
    for article in collection:
        for number, paragraph in enumerate(article["paragraphs"]):
            identity, title = f"{article['title']}#{number}", article["title"].replace("_", " ")
            documents.append({"id": identity, "title": title, "text": paragraph["context"]})
            questions += [(asked["question"], not asked["is_impossible"]) for asked in paragraph["qas"]]
    return documents, questions


def observe(found: Sequence[dict[str, Any]], folder: Path) -> tuple[Any, Any, Any]:
    """Cues, whether answerable, and the collection of each question."""
    embedder = Embedder.load()
    cues, answerable, group = [], [], []
    count = -(-len(found) // TOGETHER)
    for number in range(count):
        documents, questions = rows_of(found[number::count])
        name = f"near{number}"
        snapshot = build(name, chunks_of(documents, name), folder, embedder)
        for question, can_be_answered in questions:
            cues.append(astuple(compare(snapshot, question.strip(), embedder=embedder)))
            answerable.append(can_be_answered)
            group.append(number)
        print(f"{number + 1} of {count} collections, {len(cues)} questions", flush=True)
    return np.array(cues), np.array(answerable), np.array(group)


def tried_on_others(cues: Any, answerable: Any, group: Any) -> Any:
    """The reading of each question by weights fitted to other collections."""
    scores = np.zeros(len(cues))
    for fold in range(FOLDS):
        held = group % FOLDS == fold
        weights, bias = logistic(cues[~held], answerable[~held].astype(float), RIDGE)
        scores[held] = cues[held] @ weights + bias
    return scores


def by_collection(scores: Any, answerable: Any, group: Any) -> Any:
    """AUROC within each collection."""
    members = [group == number for number in np.unique(group)]
    return np.array([auroc(scores[k & answerable], scores[k & ~answerable]) for k in members])


def interval(values: Any) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, drawing collections."""
    drawn = np.random.default_rng(7).choice(values, (DRAWS, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def options_of(description: str | None, fitted: str) -> argparse.Namespace:
    """What was asked of a command that fits something to near misses."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--squad", type=Path, nargs="+", required=True, help="files in the form of SQuAD 2.0")
    parser.add_argument("--cache", type=Path, help="folder that keeps vectors from run to run")
    parser.add_argument("--write", action="store_true", help=f"replace the {fitted} of the product")
    return parser.parse_args()


def main() -> int:
    """Observe, try, fit and perhaps write."""
    options = options_of(__doc__, "weights")
    with tempfile.TemporaryDirectory() as temporary:
        cues, answerable, group = observe(articles(options.squad), options.cache or Path(temporary))
    each = by_collection(tried_on_others(cues, answerable, group), answerable, group)
    low, high = interval(each)
    print(f"{len(cues)} questions; mean AUROC on collections not fitted to: ", end="")
    print(f"{each.mean():.3f} ({low:.3f} to {high:.3f})")
    print("each: " + " ".join(f"{value:.3f}" for value in each))
    weights, bias = logistic(cues, answerable.astype(float), RIDGE)
    named = {field.name: round(float(w), 4) for field, w in zip(fields(Cues), weights, strict=True)}
    fitted = {"bias": round(bias, 4), "weights": named}
    print(json.dumps(fitted, indent=2))
    if options.write:
        WEIGHTS.write_text(json.dumps(fitted, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
