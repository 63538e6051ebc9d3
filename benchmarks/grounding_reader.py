"""Fit the network that reads the best passage, on articles that no benchmark asks about.

    python benchmarks/grounding_reader.py --squad dev-v2.0.json [--cache DIR] [--write]

Needs PyTorch (measured with 2.13), which the product does not. Takes what `grounding_near_misses.py` takes:
each question with the paragraph it was written about, and half of the answerable ones once more with the best
passage of the other paragraphs, as if their own were not there. Prints the AUROC of near misses within
collections that were left out; --write then fits to all and keeps the network for the product. Five minutes
each.
"""

import importlib
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.grounding import build, chunks_of
from benchmarks.grounding_near_misses import TOGETHER, articles, by_collection, options_of
from knowledge.embedding import DIMENSION, Embedder
from knowledge.retrieval import CANDIDATES, Snapshot, rarity_of, search
from knowledge.token_reader import PATH, STRETCH, best_sentence

torch: Any = importlib.import_module("torch")

VIEW, VERDICTS = 96, 64
"""Numbers a token is looked at by, and says."""
EPOCHS, BATCH, RATE, DECAY, DROPPED = 7, 48, 1e-3, 0.05, 0.3
LEFT_OUT = 4
"""One collection in so many is left out of the first fit."""
REMOVED = 0.5
"""Share of the answerable questions that are also asked without their own paragraph."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a passage of the paragraph it was written about."""

    question: Any
    rarity: Any
    passage: Any
    best: Any
    answerable: bool
    group: int
    is_removed: bool = False
    """The paragraph that answers is not there."""


def pairs(found: Sequence[dict[str, Any]], folder: Path) -> list[Pair]:
    """Every question with the chunk of its paragraph that matches best; behind them, those without theirs."""
    embedder, made, draw = Embedder.load(), [], np.random.default_rng(5)
    count = -(-len(found) // TOGETHER)
    for group in range(count):
        paragraphs = [
            (f"{one['title']}#{place}", one["title"].replace("_", " "), paragraph)
            for one in found[group::count]
            for place, paragraph in enumerate(one["paragraphs"])
        ]
        rows = [{"id": key, "title": title, "text": each["context"]} for key, title, each in paragraphs]
        snapshot = build(f"near{group}", chunks_of(rows, f"near{group}"), folder, embedder)
        chunks: dict[str, list[Any]] = {}
        for live in snapshot.chunks:
            chunks.setdefault(live.document.id, []).append(stored(snapshot, live.chunk.id))
        removed = []
        for key, _, paragraph in paragraphs:
            for asked in paragraph["qas"]:
                question, answerable = asked["question"].strip(), not asked["is_impossible"]
                encoding = embedder.encode_query(question)
                rarity = rarity_of(snapshot, encoding)
                made.append(pair(encoding.tokens, rarity, chunks[key], answerable, group))
                if answerable and draw.random() < REMOVED:
                    ranked = search(snapshot, question, limit=CANDIDATES, embedder=embedder).passages
                    other = next(each for each in ranked if each.document_id != key)
                    left = pair(encoding.tokens, rarity, [stored(snapshot, other.chunk_id)], False, group)
                    removed.append(replace(left, is_removed=True))
        made += removed
        print(f"{group + 1} of {count} collections, {len(made)} questions", flush=True)
    return made


def stored(snapshot: Snapshot, chunk_id: str) -> tuple[Any, Any]:
    """Token vectors of a chunk, and the sentence of each."""
    read = snapshot.tokens.tokens([chunk_id])
    return (read.vectors * read.scales[:, None]).astype(np.float16), read.sentences


def pair(question: Any, rarity: Any, chunks: Sequence[Any], answerable: bool, group: int) -> Pair:
    """The question with the best of the chunks."""
    fits = [float(rarity @ (question @ tokens.T.astype(np.float32)).max(axis=1)) for tokens, _ in chunks]
    tokens, sentences = chunks[int(np.argmax(fits))]
    best = best_sentence(question @ tokens.T.astype(np.float32), rarity, sentences)
    return Pair(question.astype(np.float16), rarity, tokens, best, answerable, group)


def fresh() -> dict[str, Any]:
    """Parameters before any fit."""
    draw = torch.Generator().manual_seed(1)

    def spread(rows: int, columns: int) -> Any:
        return (torch.rand(rows, columns, generator=draw) * 2 - 1) / rows**0.5

    named = {
        "view": spread(DIMENSION, VIEW),
        "wants": spread(DIMENSION, VIEW),
        "offers": torch.zeros(DIMENSION, VIEW),
        "sharpness": torch.full((1,), 12.0),
        "first": spread(6 * VIEW + 4, VERDICTS),
        "first_bias": torch.zeros(VERDICTS),
        "second": spread(VERDICTS, VERDICTS),
        "second_bias": torch.zeros(VERDICTS),
        "sum": spread(3 * VERDICTS + 4, 1)[:, 0],
        "sum_bias": torch.zeros(1),
    }
    return {name: value.requires_grad_() for name, value in named.items()}


def padded(rows: Sequence[Any]) -> Any:
    """Rows of different lengths as one tensor, filled up with zeros."""
    return torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(np.asarray(row, dtype=np.float32)) for row in rows], batch_first=True
    )


def judged(named: dict[str, Any], batch: Sequence[Pair], dropped: float) -> Any:
    """Log odds of each pair: `knowledge.token_reader.judge`, many at once and with some numbers dropped."""
    drop = torch.nn.Dropout(dropped)
    question, passage = padded([one.question for one in batch]), padded([one.passage for one in batch])
    rarity, best = padded([one.rarity for one in batch]), padded([one.best for one in batch]) > 0
    real, there = rarity > 0, padded([np.ones(len(one.passage)) for one in batch]) > 0
    matches = (question @ passage.transpose(1, 2)).masked_fill(~there[:, None], -1.0)
    wanted = (question @ named["wants"]) @ (passage @ named["offers"]).transpose(1, 2)
    drawn = named["sharpness"] * matches + STRETCH * wanted / VIEW**0.5
    read, asked = passage @ named["view"], drop(question @ named["view"])
    anywhere, within = (
        drop(torch.softmax(drawn.masked_fill(~kept[:, None], -1e4), -1) @ read) for kept in (there, best)
    )
    near = [matches.amax(-1), matches.masked_fill(~best[:, None], -1.0).amax(-1)]
    figures = torch.stack([*near, rarity, near[0] - near[1]], -1)
    seen = [asked, anywhere, asked * anywhere, within, asked * within, anywhere - within, figures]
    first = drop(torch.relu(torch.cat(seen, -1) @ named["first"] + named["first_bias"]))
    verdicts = torch.relu(first @ named["second"] + named["second_bias"])
    weight = rarity / rarity.sum(1, keepdim=True)
    outside = (~real)[..., None] * 1e4
    whole = [
        (weight * near[0]).sum(1),
        (weight * near[1]).sum(1),
        (near[1] + ~real * 9).amin(1),
        weight.amax(1),
    ]
    mean = (verdicts * weight[..., None]).sum(1)
    parts = [mean, (verdicts - outside).amax(1), (verdicts + outside).amin(1), torch.stack(whole, 1)]
    return torch.cat(parts, 1) @ named["sum"] + named["sum_bias"]


def fit(found: Sequence[Pair]) -> dict[str, Any]:
    """Parameters fitted to pairs; batches are of one collection."""
    torch.manual_seed(1)  # for what is dropped
    named, draw, step = fresh(), np.random.default_rng(1), 0
    steps = torch.optim.AdamW(named.values(), lr=RATE, weight_decay=DECAY)
    groups = [[one for one in found if one.group == group] for group in sorted({p.group for p in found})]
    total = EPOCHS * sum(-(-len(group) // BATCH) for group in groups)
    for _ in range(EPOCHS):
        cut = [[group[i] for i in draw.permutation(len(group))] for group in groups]
        batches = [group[start : start + BATCH] for group in cut for start in range(0, len(group), BATCH)]
        for place in draw.permutation(len(batches)):
            step += 1
            for options in steps.param_groups:
                options["lr"] = RATE * min(1, step / 60) * (1 - 0.95 * step / total)
            wanted = torch.tensor([float(one.answerable) for one in batches[place]])
            odds = judged(named, batches[place], DROPPED)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(odds, wanted)
            steps.zero_grad()
            loss.backward()
            steps.step()
    return named


def tried(named: dict[str, Any], found: Sequence[Pair]) -> Any:
    """AUROC within each collection."""
    with torch.no_grad():
        parts = [judged(named, found[start : start + BATCH], 0.0) for start in range(0, len(found), BATCH)]
    answerable, group = (np.array([getattr(one, name) for one in found]) for name in ("answerable", "group"))
    return by_collection(torch.cat(parts).numpy(), answerable, group)


def main() -> int:
    """Fit without some, try on those, and perhaps fit to all and write."""
    options = options_of(__doc__, "network")
    with tempfile.TemporaryDirectory() as temporary:
        found = pairs(articles(options.squad), options.cache or Path(temporary))
    left_out = [one for one in found if one.group % LEFT_OUT == 0 and not one.is_removed]
    each = tried(fit([one for one in found if one.group % LEFT_OUT]), left_out)
    print(f"AUROC on collections left out: mean {np.mean(each):.3f}; " + " ".join(f"{v:.3f}" for v in each))
    if options.write:
        kept = {name: value.detach().numpy().astype(np.float16) for name, value in fit(found).items()}
        np.savez_compressed(PATH, **kept)
    return 0


if __name__ == "__main__":
    sys.exit(main())
