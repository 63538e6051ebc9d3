"""What a whole durable run costs, beside a bare litellm call on the same retrieval, in the same run.

    python benchmarks/run_overhead.py [--rounds 5] [--gate] [--peers OTHER/bin/python]

The bare loop: the five nearest of 10,000 vectors in Chroma, a prompt, and `litellm.acompletion` as its own
examples use it. The whole run: accept (inbox, run, outbox, audit in one transaction), claim and pin, the same
retrieval, render, the call with its ledger row, check, a journal entry a step, finish, and delivery through
the outbox to a sender that keeps nothing. The model is a local OpenAI-compatible server in its own process.
Blocks alternate and medians are printed; compare ratios within one run, never times of two. `--gate` exits 1
unless throughput at concurrency 64 and 200 ms is at least 0.9 of the bare loop's. With `--peers`, the Python
of an environment that has langchain-openai, langgraph and chromadb, `peers.py` does the same job there.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import structlog

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.bench_workflow import PASSAGE, PROMPT, bench_workflow
from bot.adapters.provider_call import ProviderCall, load_litellm
from bot.bootstrap import Product, build
from bot.governance.roles import EVERYONE, EVERYTHING, Role
from bot.services.access import OPERATOR
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Content
from bot.services.execution import Execution
from bot.services.heartbeats import Heartbeats
from bot.services.outbox_items import OutboxItem, Posted
from bot.services.runs import RunRequest
from bot.services.work import Pace, Worker
from bot.settings_reading import settings_from
from knowledge.document import Passage, Retrieval
from knowledge.index import VectorIndex
from workflows.run import RunStatus

ROOT = Path(__file__).parents[1]
VECTORS, DIMENSION, PASSAGES = 10_000, 384, 5
PEERS = ("langchain", "langgraph")
PEOPLE = 97
"""Who ask in turn. The messages of one person go out one after the other."""
QUESTION = "How many days of leave can I carry over into the next year?"
WORKFLOW = bench_workflow("cites_sources", "grounded")


@dataclass
class Spent:
    """Seconds by part of a run, added up."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextlib.contextmanager
    def on(self, part: str) -> Iterator[None]:
        """Count the time inside."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - began


class Shelf:
    """The same ten thousand vectors for both loops, in Chroma."""

    def __init__(self, folder: Path, spent: Spent) -> None:
        self.spent = spent
        self.index = VectorIndex(folder, model_id="bench", dimension=DIMENSION)
        generator = np.random.default_rng(7)
        vectors = generator.standard_normal((VECTORS, DIMENSION)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        self.query = vectors[0]
        by_id = {str(i): vectors[i] for i in range(VECTORS)}
        self.index.sync("people", list(by_id), lambda ids: np.stack([by_id[i] for i in ids]))

    def nearest(self) -> tuple[str, ...]:
        """Ids, by Chroma."""
        return self.index.search("people", self.query, PASSAGES)

    def retriever(self, *_: object) -> "Shelf":
        """Stands in for the holdings: measured is what a run adds to a search, not our search."""
        return self

    async def retrieve(self, query: str, *, collection: str, limit: int) -> Retrieval:
        """As a step asks for it."""
        with self.spent.on("retrieve"):
            # in a thread, as the product's own search is
            found = await asyncio.to_thread(self.nearest)
        return Retrieval(query, tuple(map(_passage, found[:limit])), 0.9, {collection: 1})


def _passage(chunk_id: str) -> Passage:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return Passage(chunk_id, chunk_id, "people", "Leave", ("Carry-over",), "page 1", PASSAGE, 1, "", at, 0.9)


class Nowhere:
    """A Slack that takes everything at once."""

    async def post(self, item: OutboxItem) -> Posted:
        """Taken."""
        return Posted(item.channel, "1.0")

    async def update(self, item: OutboxItem) -> None:
        """Taken."""
        return

    async def find(self, item: OutboxItem) -> Posted | None:
        """Never asked."""
        return None


class Watched(Worker):
    """A worker that says when a run is over."""

    over: dict[str, asyncio.Event]

    async def _carry(self, job: Any) -> None:
        await super()._carry(job)
        self.over.setdefault(job.held.run_id, asyncio.Event()).set()


@dataclass
class Bench:
    """Both loops over one shelf and one server."""

    product: Product
    shelf: Shelf
    spent: Spent
    base_url: str
    number: int = 0

    async def bare(self, runs: int, concurrency: int) -> None:
        """litellm as its own examples use it."""
        litellm = load_litellm()

        async def one() -> None:
            found = self.shelf.nearest()
            passages = "\n\n".join(f"[{n}]\n{PASSAGE}" for n, _ in enumerate(found, 1))
            content = f"Answer from the passages and cite.\n\n{passages}\n\n{QUESTION}"
            reply = await litellm.acompletion(
                model="openai/gpt-4o-mini",
                api_base=self.base_url,
                api_key="none",
                messages=[{"role": "user", "content": content}],
            )
            assert reply.choices[0].message.content

        ours = os.environ.pop("EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER")
        await _at_most(concurrency, [one] * runs)
        os.environ["EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER"] = ours

    async def whole(self, runs: int, concurrency: int) -> None:
        """Accept, work and deliver until every run has ended and every message is out."""
        product = self.product
        execution = Execution(
            product.store,
            product.catalogue,
            product.models,
            self.shelf,
            product.clock,
            product.billing,
            product.access,
        )
        pace = Pace(concurrency=concurrency)
        worker = Watched(product.store, execution, product.clock, product.queue, product.outgoing, pace)
        worker.over = {}
        courier = product.courier(Nowhere())
        stop = asyncio.Event()
        # as every worker says how much it can carry out
        heard = Heartbeats(product.store, ("worker",), slots=concurrency)
        loops = [asyncio.create_task(each.run_until(stop)) for each in (worker, courier, heard)]

        async def one() -> None:
            self.number += 1
            request = RunRequest(
                f"bench-{self.number}",
                Actor(f"U{self.number % PEOPLE}", team_id="T0"),
                "bench",
                {"question": QUESTION},
                Origin("command", team_id="T0", channel_id="C0"),
            )
            with self.spent.on("accept"):
                run_id = (await product.runs.accept(request)).run_id
            await worker.over.setdefault(run_id, asyncio.Event()).wait()

        await _at_most(concurrency, [one] * runs)
        stop.set()
        await asyncio.gather(*loops)
        await courier.drain()
        await self._check()

    async def _check(self) -> None:
        """Nothing is measured that did not work."""

        def look(connection: Any) -> dict[str, int]:
            rows = connection.exec_driver_sql("SELECT status, count(*) FROM runs GROUP BY status").all()
            return {str(status): int(count) for status, count in rows}

        assert await self.product.store.read(look) == {RunStatus.SUCCEEDED.value: self.number}


async def _at_most(concurrency: int, jobs: list[Callable[[], Awaitable[None]]]) -> None:
    waiting = iter(jobs)

    async def lane() -> None:
        for job in waiting:
            await job()

    await asyncio.gather(*(lane() for _ in range(concurrency)))


@contextlib.contextmanager
def serving(latency_ms: int) -> Iterator[str]:
    """The server, in its own process."""
    command = [sys.executable, "-m", "tests.openai_server", "--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def prepared(base_url: str, folder: Path) -> AsyncIterator[Bench]:
    """A product on an empty database whose `default` is the server."""
    (folder / "models.yaml").write_text(
        f"default: {{model: openai/gpt-4o-mini, api_base: {json.dumps(base_url)}}}\n"
    )
    settings = settings_from(
        SPANWISE_DATA_DIR=folder / "var",
        SPANWISE_MODELS=folder / "models.yaml",
        DATABASE_URL="",
        # there is one workflow
        SPANWISE_WORKFLOW_SHARE=100,
    )
    product = build(settings)
    await product.catalogue.seed(
        [Content("prompt", "bench.answer", PROMPT), Content("workflow", "bench", WORKFLOW)]
    )
    await product.access.grant(Actor(OPERATOR), EVERYONE, Role.RUNNER, EVERYTHING)
    spent = Spent()
    _time_parts(product, spent)
    try:
        yield Bench(product, Shelf(folder / "vectors", spent), spent, base_url)
    finally:
        await product.close()


def _time_parts(product: Product, spent: Spent) -> None:
    """Wrap the call to the provider and the store, to know where the time of a run goes."""
    run, write = ProviderCall.run, product.store.write

    async def timed_run(call: ProviderCall, on_text: Any) -> Any:
        with spent.on("model call"):
            return await run(call, on_text)

    async def timed_write(work: Any, **options: Any) -> Any:
        with spent.on("store writes"):
            return await write(work, **options)

    ProviderCall.run = timed_run  # type: ignore[method-assign]
    product.store.write = timed_write  # type: ignore[method-assign]


@dataclass
class Block:
    """One measured block."""

    cpu_ms: float
    wall_ms: float

    @property
    def per_second(self) -> float:
        """Runs a second."""
        return 1000 / self.wall_ms


async def measure(loop: Callable[[int, int], Awaitable[None]], runs: int, concurrency: int) -> Block:
    """CPU of this process and wall time, a run."""
    cpu, wall = _cpu_s(), time.perf_counter()
    await loop(runs, concurrency)
    return Block((_cpu_s() - cpu) / runs * 1000, (time.perf_counter() - wall) / runs * 1000)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def peer(python: str, name: str, base_url: str) -> Iterator[Callable[[int, int], Block]]:
    """A framework in its own process; calling it measures a block."""
    command = [python, str(ROOT / "benchmarks" / "peers.py"), name, base_url]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        assert process.stdin is not None and process.stdout is not None
        stdin, stdout = process.stdin, process.stdout
        assert stdout.readline().strip() == "ready"

        def block(runs: int, concurrency: int) -> Block:
            print(runs, concurrency, file=stdin, flush=True)
            spent = json.loads(stdout.readline())
            return Block(spent["cpu_s"] / runs * 1000, spent["wall_s"] / runs * 1000)

        try:
            yield block
        finally:
            process.terminate()


async def scenario(latency_ms: int, concurrency: int, runs: int, rounds: int, peers: str = "") -> float:
    """Print one line a loop and the parts of a run; the ratio of throughputs."""
    names = PEERS if peers else ()
    with contextlib.ExitStack() as stack:
        base_url = stack.enter_context(serving(latency_ms))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        others = {name: stack.enter_context(peer(peers, name, base_url)) for name in names}
        async with prepared(base_url, Path(folder)) as bench:
            warm_up = max(8, concurrency)
            for loop in (bench.bare, bench.whole):
                await loop(warm_up, concurrency)
            for other in others.values():
                other(warm_up, concurrency)
            bench.spent.seconds.clear()
            blocks: dict[str, list[Block]] = {"bare": [], "whole": [], **{name: [] for name in names}}
            for _ in range(rounds):
                blocks["bare"].append(await measure(bench.bare, runs, concurrency))
                blocks["whole"].append(await measure(bench.whole, runs, concurrency))
                for name, other in others.items():
                    blocks[name].append(other(runs, concurrency))
            parts = {name: s / (rounds * runs) * 1000 for name, s in bench.spent.seconds.items()}
    return _print(latency_ms, concurrency, blocks, parts)


def _print(
    latency_ms: int, concurrency: int, blocks: dict[str, list[Block]], parts: dict[str, float]
) -> float:
    print(f"\nmodel {latency_ms} ms, concurrency {concurrency}")
    for name, each in blocks.items():
        cpu = statistics.median(block.cpu_ms for block in each)
        speed = statistics.median(block.per_second for block in each)
        print(f"  {name:9} {cpu:6.1f} ms CPU a run  {speed:7.1f} runs/s")
    ratios = [w.per_second / b.per_second for b, w in zip(blocks["bare"], blocks["whole"], strict=True)]
    ratio = statistics.median(ratios)
    print(f"  whole / bare throughput {ratio:.2f} (blocks {min(ratios):.2f} to {max(ratios):.2f})")
    shown = ", ".join(f"{name} {ms:.1f}" for name, ms in sorted(parts.items(), key=lambda item: -item[1]))
    print(f"  wall ms a run by part (parts of concurrent runs overlap): {shown}")
    return ratio


async def main() -> int:
    """Every scenario, one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=0, help="a block; 0: 60 alone, 512 together")
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--peers", default="", metavar="PYTHON")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    ratio = 0.0
    for concurrency in (1, 64):
        for latency_ms in (0, 200):
            runs = options.runs or (512 if concurrency > 1 else 60 if latency_ms == 0 else 15)
            is_gated = (concurrency, latency_ms) == (64, 200)
            peers = options.peers if is_gated else ""
            ratio = await scenario(latency_ms, concurrency, runs, options.rounds, peers)
    return int(options.gate and ratio < 0.9)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
