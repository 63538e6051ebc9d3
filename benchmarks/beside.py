"""How fast commands are acknowledged by one process that does everything, beside work that takes a processor.

    python benchmarks/beside.py [--beside digest,embedding] [--rate 5] [--seconds 20] [--seed 1] [--gate]

A child runs the whole product as `python -m bot serve` does: requests, worker, courier, clock. It has 1,500
made-up runs of six weeks to tell of. Commands come over signed HTTP at constant arrival as in `load.py`, and
each is carried out as well. Measured first with nothing else going on, then with each kind of work and with
all of them: `digest` has one personal digest after the other made, charts drawn and all, `embedding` puts one
document of 4,000 characters after the other into a collection. `--gate` exits 1 unless each p99 is at most
1,000 ms, a third of what Slack waits.
"""

import argparse
import asyncio
import itertools
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import Connection, func, select

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.load import SECRET, Bench, answering, at_rate, by_http, open_bench
from bot.adapters.store.digests_log import FAILED, POSTED, SKIPPED, digests
from bot.bootstrap import Product, build
from bot.demo import RUNS, WEEKS, ZONE
from bot.entrance import stopping_on_signals
from bot.governance.roles import EVERYTHING, Role
from bot.processes import EVERYTHING as ALL_PARTS
from bot.processes import run_parts
from bot.services.access import OPERATOR
from bot.services.actors import Actor
from bot.services.seeding import SeedPlan
from bot.settings_reading import read_settings
from bot.shipped import load_shipped
from tests.ports import free_port

OWNER = "U0CHLOE"
MOST_MS = 1000.0
CHARACTERS = 4_000
WISH, COUNT = "wish", "count"
"""Files of the child: what it shall do beside, and how often it did it."""


async def digest(product: Product, number: int) -> None:
    """One made and posted."""
    before = await product.store.read(_made)
    await product.digests.preview(Actor(OWNER), "", ZONE, f"bench-{number}")
    while await product.store.read(_made) == before:
        await asyncio.sleep(0.05)


def _made(connection: Connection) -> int:
    made = select(func.count()).select_from(digests).where(digests.c.status.in_((POSTED, FAILED, SKIPPED)))
    return int(connection.execute(made).scalar_one())


async def embedding(product: Product, number: int) -> None:
    """One document cut and embedded, and the index brought up to it."""
    paragraphs = (
        f"Section {number}.{part}. People of team {number * part % 97} may carry over {part} days of leave "
        f"into quarter {part % 4 + 1}, if whoever leads it agrees before day {part % 28 + 1}."
        for part in itertools.count(1)
    )
    text = "\n\n".join(itertools.takewhile(_short_of(CHARACTERS), paragraphs))
    await product.holdings.put_text("people", f"bench-{number % 10}.md", text, by=OPERATOR)


def _short_of(characters: int) -> Callable[[str], bool]:
    written = 0

    def fits(paragraph: str) -> bool:
        nonlocal written
        written += len(paragraph)
        return written <= characters

    return fits


WORK: dict[str, Callable[[Product, int], Awaitable[None]]] = {"digest": digest, "embedding": embedding}


async def serve() -> None:
    """The child: everything in this process, and what its file says."""
    async with stopping_on_signals() as stop:
        product = build(read_settings())
        await load_shipped(product)
        await product.access.grant(Actor(OPERATOR), OWNER, Role.OWNER, EVERYTHING)
        await product.seeding().write(SeedPlan(RUNS, weeks=WEEKS))
        async with asyncio.TaskGroup() as tasks:
            for name in WORK:
                tasks.create_task(keep_doing(product, name, stop))
            tasks.create_task(run_parts(product, ALL_PARTS, stop))
        await product.close()


async def keep_doing(product: Product, name: str, stop: asyncio.Event) -> None:
    """One kind of work, while it is wished for."""
    wish, done = Path(WISH), 0
    while not stop.is_set():
        if not wish.exists() or name not in wish.read_text():
            await asyncio.sleep(0.1)
            continue
        await WORK[name](product, done)
        done += 1
        Path(f"{COUNT}-{name}").write_text(str(done))


async def measure(bench: Bench, options: argparse.Namespace) -> bool:
    """One line for each combination; whether a gate is missed."""
    port, missed = free_port(), False
    settings = {"SLACK_SIGNING_SECRET": SECRET, "PORT": str(port), "SPANWISE_LOG_LEVEL": "ERROR"}
    process = bench.start(__file__, "--serve", **settings)
    kinds = options.beside.split(",")
    try:
        async with by_http(f"http://127.0.0.1:{port}/slack/events") as send:
            await answering(send, process, 1800)
            await at_rate(options.rate, 10, options.seed, send, process)
            await done_once(bench, kinds)
            alone = [(kind,) for kind in kinds]
            for number, beside in enumerate([(), *alone, *([tuple(kinds)] if len(kinds) > 1 else [])]):
                (bench.folder / WISH).write_text(" ".join(beside))
                before = _counts(bench, kinds)
                found = await at_rate(
                    options.rate, options.seconds, options.seed * 100 + number, send, process
                )
                did = {kind: count - before[kind] for kind, count in _counts(bench, kinds).items()}
                print(
                    f"| {' and '.join(beside) or 'nothing'} | {found.at(0.5):.0f} | {found.at(0.99):.0f} "
                    f"| {found.at(1):.0f} | {found.errors} | {', '.join(f'{k} {n}' for k, n in did.items())} "
                    f"| {os.getloadavg()[0]:.1f} |",
                    flush=True,
                )
                missed |= found.at(0.99) > MOST_MS or bool(found.errors)
    finally:
        process.child.terminate()
        process.child.wait(60)
    return missed


async def done_once(bench: Bench, kinds: list[str], tries: int = 1800) -> None:
    """Wait for the first of each: a digest after a start waits until its questions have vectors."""
    (bench.folder / WISH).write_text(" ".join(kinds))
    for _ in range(tries):
        if all(_counts(bench, kinds).values()):
            return
        await asyncio.sleep(0.1)
    raise SystemExit("the work beside is not done")


def _counts(bench: Bench, kinds: list[str]) -> dict[str, int]:
    found = {kind: bench.folder / f"{COUNT}-{kind}" for kind in kinds}
    return {kind: int(path.read_text()) if path.exists() else 0 for kind, path in found.items()}


async def main(options: argparse.Namespace) -> int:
    """Measure; 1 when a gate is missed."""
    print(f"seed {options.seed}, {options.rate} commands/s for {options.seconds:g} s, one process, SQLite\n")
    print("| beside | p50 ms | p99 ms | max ms | not acknowledged | done meanwhile | load |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        async with open_bench(Path(name), "") as bench:
            missed = await measure(bench, options)
    return int(missed and options.gate)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--beside", default="digest,embedding")
    parser.add_argument("--rate", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve())
        sys.exit()
    sys.exit(asyncio.run(main(given)))
