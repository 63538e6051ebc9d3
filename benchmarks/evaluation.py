"""How long an evaluation takes beside the least that its model calls could take.

    python benchmarks/evaluation.py [--rounds 5] [--cases 200] [--gate]

Two hundred golden cases of a workflow that finds passages, asks a model once and checks the answer, 16 at
a time, against a local OpenAI-compatible server in its own process that answers after 200 ms. The least
possible is cases / 16 x 0.2 s. Everything that an evaluation does is inside the clock: reading cases and
versions, searching, calls with ledger rows and the spending cap, evaluators, the report and its row. Printed
are the medians over the rounds, for passages that are at hand and for a real search of the shipped handbook,
whose CPU time no concurrency can hide. `--gate` exits 1 unless the first ratio is at most 1.3.
"""

import argparse
import asyncio
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
# as `python -m bot` does, before numpy is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.bench_workflow import PASSAGE, PROMPT, bench_workflow
from bot.bootstrap import Product, build
from bot.quality.evaluation import EvaluationReport
from bot.services.access import OPERATOR
from bot.services.actors import Actor
from bot.services.catalogue import Content
from bot.services.evaluating import Evaluations
from bot.services.evaluation_material import Limits
from bot.settings_reading import settings_from
from bot.shipped import HANDBOOK, PEOPLE
from knowledge.document import Passage, Retrieval

ROOT = Path(__file__).parents[1]
CONCURRENCY, LATENCY_S, TARGET = 16, 0.2, 1.3
WORKFLOW = bench_workflow("cites_sources")


class AtHand:
    """Knowledge that costs nothing to search."""

    async def warm(self) -> None:
        """Nothing to load."""

    def retriever(self, *_: object) -> "AtHand":
        """The same for every audience."""
        return self

    async def retrieve(self, query: str, *, collection: str, limit: int) -> Retrieval:
        """Five passages."""
        found = tuple(
            Passage(
                chunk_id=f"c{number}",
                document_id="d1",
                collection=collection,
                title="Annual leave",
                headings=("Leave",),
                location="Carry-over",
                text=PASSAGE,
                version=1,
                owner="",
                updated_at=datetime.now(UTC),
                score=0.9,
            )
            for number in range(limit)
        )
        return Retrieval(query, found, 0.9, {collection: 1})


@dataclass(frozen=True, slots=True)
class Round:
    """One evaluation."""

    seconds: float
    cpu_s: float
    report: EvaluationReport


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The server, in its own process."""
    command = [sys.executable, "-m", "tests.openai_server", "--latency-ms", str(LATENCY_S * 1000)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def prepared(base_url: str, folder: Path, cases: int) -> Product:
    """A product on an empty database whose `default` is the server, with the workflow and its cases."""
    (folder / "models.yaml").write_text(
        f"default: {{model: openai/gpt-4o-mini, api_base: {json.dumps(base_url)}}}\n"
    )
    os.environ["SPANWISE_ADMINS"] = "U0DEV"
    values: Mapping[str, Any] = {
        "SPANWISE_DATA_DIR": folder / "var",
        "SPANWISE_MODELS": folder / "models.yaml",
        "DATABASE_URL": "",
    }
    product = build(settings_from(**values))
    await product.catalogue.seed(
        [Content("prompt", "bench.answer", PROMPT), Content("workflow", "bench", WORKFLOW)]
    )
    rows = [
        {
            "id": f"case-{number}",
            "inputs": {"question": f"How many days of leave may I carry over in year {2000 + number}?"},
            "expect": {"must_contain": ["five days"], "must_not_contain": ["ten days"], "max_seconds": 30},
        }
        for number in range(cases)
    ]
    await product.golden.keep_file(Actor(OPERATOR), "bench", json.dumps(rows))
    return product


def with_knowledge_at_hand(product: Product) -> Evaluations:
    """The product's evaluations, with nothing to search."""
    evaluations = product.evaluations
    return Evaluations(
        product.store,
        product.catalogue,
        product.models,
        AtHand(),  # type: ignore[arg-type]  # as much of it as an evaluation uses
        product.clock,
        product.billing,
        product.golden,
        lambda *_: 0.0,
        evaluations.limits,
    )


async def one(evaluations: Evaluations) -> Round:
    """One evaluation, timed."""
    began, cpu = time.perf_counter(), _cpu_s()
    report = await evaluations.evaluate("bench", by=OPERATOR)
    found = Round(time.perf_counter() - began, _cpu_s() - cpu, report)
    assert report.passed == len(report.golden) and report.is_complete, report.statement
    return found


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measured(evaluations: Evaluations, rounds: int, name: str, ideal_s: float) -> float:
    """Print the medians; returns the ratio to the ideal."""
    await one(evaluations)
    found = [await one(evaluations) for _ in range(rounds)]
    seconds = statistics.median(each.seconds for each in found)
    cpu_ms = statistics.median(each.cpu_s for each in found) / len(found[0].report.golden) * 1000
    ratios = sorted(each.seconds / ideal_s for each in found)
    print(
        f"{name}: {seconds:.2f} s, {seconds / ideal_s:.2f} x the ideal "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}); {cpu_ms:.1f} ms of CPU a case"
    )
    return seconds / ideal_s


async def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--gate", action="store_true")
    arguments = parser.parse_args()
    ideal_s = arguments.cases / CONCURRENCY * LATENCY_S
    print(f"{arguments.cases} cases, {CONCURRENCY} at a time, {LATENCY_S * 1000:.0f} ms a call")
    print(f"ideal: {ideal_s:.2f} s; load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    with serving() as base_url, tempfile.TemporaryDirectory() as folder:
        product = await prepared(base_url, Path(folder), arguments.cases)
        assert Limits().concurrency == product.evaluations.limits.concurrency == CONCURRENCY
        ratio = await measured(with_knowledge_at_hand(product), arguments.rounds, "passages at hand", ideal_s)
        await product.holdings.add(HANDBOOK, PEOPLE)
        await measured(product.evaluations, arguments.rounds, "searching the handbook", ideal_s)
        await product.close()
    return int(arguments.gate and ratio > TARGET)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
