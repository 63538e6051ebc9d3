"""How many more runs two worker processes get through than one, on one database.

    python benchmarks/workers.py [--workers 2] [--runs 256] [--rounds 3] [--latency-ms 200]
                                 [--database sqlite]

Whole durable runs as in `run_overhead.py`, 64 at a time in each worker, which are processes of their own as
`python -m bot worker` is: claim, pin, retrieval from Chroma (10,000 vectors), the call, check, journal,
ledger, finish and outbox. All are accepted before a block begins, so measured is the working. Blocks of one
worker and of all alternate; the median ratio is printed. The model server, the database and whoever waits
share the processors with the workers.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).parents[1]))

import structlog
from sqlalchemy import Connection, func, select

from benchmarks.load import database_at
from benchmarks.run_overhead import PEOPLE, PROMPT, QUESTION, ROOT, WORKFLOW, Nowhere, Shelf, Spent, serving
from bot.adapters.store.run_log import runs
from bot.bootstrap import Product, build
from bot.governance.roles import EVERYONE, EVERYTHING, Role
from bot.services.access import OPERATOR
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Content
from bot.services.execution import Execution
from bot.services.heartbeats import Heartbeats
from bot.services.runs import RunRequest
from bot.services.work import Pace, Worker
from bot.settings_reading import settings_from
from workflows.run import RunStatus

AT_ONCE = 64
OVER = (RunStatus.SUCCEEDED.value, RunStatus.FAILED.value)


def product_in(folder: Path, database_url: str, base_url: str) -> Product:
    """The product on this database, whose `default` model is the server."""
    folder.mkdir(exist_ok=True)
    models = folder / "models.yaml"
    models.write_text(f"default: {{model: openai/gpt-4o-mini, api_base: {json.dumps(base_url)}}}\n")
    return build(
        settings_from(
            SPANWISE_DATA_DIR=folder,
            SPANWISE_MODELS=models,
            DATABASE_URL=database_url,
            SPANWISE_WORKFLOW_SHARE=100,
            SPANWISE_PERSON_SHARE=100,
            SPANWISE_PERSON_WAITING=0,
            SPANWISE_QUEUE_WAITING=0,
            SPANWISE_LONGEST_WAIT=0,
        )
    )


async def work(folder: Path, database_url: str, base_url: str) -> None:
    """A worker process: works from one line of its input to the next."""
    product = product_in(folder, database_url, base_url)
    shelf = Shelf(folder / "vectors", Spent())
    execution = Execution(
        product.store,
        product.catalogue,
        product.models,
        shelf,
        product.clock,
        product.billing,
        product.access,
    )
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        stop = asyncio.Event()
        loops = (
            Worker(
                product.store,
                execution,
                product.clock,
                product.queue,
                product.outgoing,
                Pace(concurrency=AT_ONCE),
            ),
            product.courier(Nowhere()),
            Heartbeats(product.store, ("worker",), slots=AT_ONCE),
        )
        going = [asyncio.create_task(each.run_until(stop)) for each in loops]
        await asyncio.to_thread(sys.stdin.readline)
        stop.set()
        await asyncio.gather(*going)
        print("ready", flush=True)


def say(pipe: IO[str] | None, word: str) -> None:
    """To a worker."""
    print(word, file=pipe, flush=True)


async def block(product: Product, workers: list["subprocess.Popen[str]"], number: int, count: int) -> float:
    """Runs a second."""
    for each in range(count):
        actor, origin = Actor(f"U{each % PEOPLE}", team_id="T0"), Origin("command", "T0", "C0")
        request = RunRequest(f"{number}-{each}", actor, "bench", {"question": QUESTION}, origin)
        await product.runs.accept(request)
    begun = time.perf_counter()
    for worker in workers:
        say(worker.stdin, "go")
    while await product.store.read(_open):
        await asyncio.sleep(0.02)
    seconds = time.perf_counter() - begun
    for worker in workers:
        say(worker.stdin, "rest")
        assert worker.stdout is not None and worker.stdout.readline().strip() == "ready"
    return count / seconds


def _open(connection: Connection) -> bool:
    waiting = select(func.count()).select_from(runs).where(runs.c.status.not_in(OVER))
    return bool(connection.execute(waiting).scalar_one())


async def compare(options: argparse.Namespace, folder: Path, database_url: str, base_url: str) -> None:
    """Print each block and the ratio."""
    url = database_url or f"sqlite:///{folder / 'spanwise.db'}"
    product = product_in(folder / "parent", url, base_url)
    await product.catalogue.seed(
        [Content("prompt", "bench.answer", PROMPT), Content("workflow", "bench", WORKFLOW)]
    )
    await product.access.grant(Actor(OPERATOR), EVERYONE, Role.RUNNER, EVERYTHING)
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--work", str(folder / f"worker{number}"), url, base_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for number in range(options.workers)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None and worker.stdout.readline().strip() == "ready"
        await block(product, workers, 0, AT_ONCE * len(workers))
        ratios = []
        for number in range(options.rounds):
            one = await block(product, workers[:1], 2 * number + 1, options.runs)
            all_ = await block(product, workers, 2 * number + 2, options.runs)
            ratios.append(all_ / one)
            print(f"1 worker {one:6.1f} runs/s, {len(workers)} workers {all_:6.1f} runs/s", flush=True)
        load = os.getloadavg()[0]
        print(
            f"{len(workers)} workers / 1: {statistics.median(ratios):.2f} ({min(ratios):.2f} to "
            f"{max(ratios):.2f}), load {load:.1f}"
        )
    finally:
        for worker in workers:
            worker.terminate()
        await product.close()


async def main(options: argparse.Namespace) -> None:
    """Measure."""
    print(
        f"{options.database}, model {options.latency_ms} ms, {options.runs} runs a block, "
        f"{os.cpu_count()} processors"
    )
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        database_at(options.database) as url,
        serving(options.latency_ms) as base_url,
    ):
        await compare(options, Path(name), url, base_url)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency-ms", type=int, default=200)
    parser.add_argument("--database", default="sqlite")
    parser.add_argument("--work", nargs=3, metavar=("FOLDER", "DATABASE", "MODEL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if given.work:
        asyncio.run(work(Path(given.work[0]), given.work[1], given.work[2]))
        sys.exit()
    asyncio.run(main(given))
