"""The health server, asked as a probe asks it, with each part broken in turn."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from bot.adapters.llm import Models
from bot.adapters.profiles import read_profiles
from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import count_alive
from bot.health import health_open
from bot.lookout import Watching, watching
from bot.services.health_checks import HealthChecks, checks_for
from bot.services.heartbeats import Heartbeats
from bot.settings import Settings
from bot.slack.gateway import SlackRefused, SlackUncertain
from bot.slack.http_door import PortTaken
from bot.slack.line_probe import LineProbe
from bot.slack.refusals import sentence
from knowledge.index import IndexUnreachable
from tests.fakes import FakeClock
from tests.ports import free_port

MODELS = """
default: {model: spanwise/quote}
careful: {model: openai/careful, api_key_env: CAREFUL_KEY}
"""
ALL = ("slack", "worker", "clock")


@dataclass
class Shelf:
    """Knowledge, as far as it is probed."""

    wrong: Exception | None = None
    gate: asyncio.Event | None = None
    asked: int = 0

    async def ping(self) -> None:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.wrong is not None:
            raise self.wrong


@dataclass
class Line:
    """A gateway that Slack answers, or not."""

    wrong: Exception | None = None
    asked: int = 0

    async def call(self, method: str) -> dict[str, str]:
        assert method == "auth_test"
        self.asked += 1
        if self.wrong is not None:
            raise self.wrong
        return {}


@dataclass
class Parts:
    """The parts of the product that are probed."""

    store: Store
    settings: Settings
    models: Models
    holdings: Shelf = field(default_factory=Shelf)
    watching: Watching = field(default_factory=watching)


@dataclass
class SlackSide:
    probe: LineProbe


@pytest.fixture
def product(store: Store) -> Parts:
    settings = Settings(health_port=free_port())
    models = Models(read_profiles(MODELS), store, environ={"CAREFUL_KEY": "k"}, clock=FakeClock())
    return Parts(store, settings, models)


@asynccontextmanager
async def probing(
    product: Parts, parts: tuple[str, ...] = ALL, line: Line | None = None
) -> AsyncIterator[Callable[[str], Awaitable[tuple[int, str]]]]:
    """Asks the health server for a path; status and body."""
    side = SlackSide(LineProbe(line or Line(), FakeClock()))  # type: ignore[arg-type]
    most, look = product.settings.queue_waiting, side.probe.look
    checks = checks_for(parts, product.store, product.models, product.holdings, look, most)  # type: ignore[arg-type]
    door = health_open(product.settings, product.watching, product.store, checks)
    async with door, aiohttp.ClientSession() as session:

        async def ask(path: str) -> tuple[int, str]:
            url = f"http://127.0.0.1:{product.settings.health_port}{path}"
            async with session.get(url) as response:
                return response.status, await response.text()

        yield ask


@asynccontextmanager
async def beating(store: Store, *parts: str) -> AsyncIterator[None]:
    """A process that says it does these parts."""
    stop = asyncio.Event()
    beats = asyncio.create_task(Heartbeats(store, parts).run_until(stop))
    while "worker" in parts and not store.read_now(count_alive):
        await asyncio.sleep(0.01)
    yield
    stop.set()
    await beats


async def test_all_is_well(product: Parts) -> None:
    async with beating(product.store, *ALL), probing(product) as ask:
        assert await ask("/healthz") == (200, "ok\n")
        status, body = await ask("/readyz")
        found = json.loads(body)
        assert (status, found["status"]) == (200, "ready")
        parts = {"database", "schema", "queue", "index", "model", "slack", "worker", "clock"}
        assert set(found["parts"]) == parts
        assert {part["state"] for part in found["parts"].values()} == {"up"}
        status, body = await ask("/metrics")
        assert status == 200 and "spanwise_workers 1.0" in body
        assert (await ask("/else"))[0] == 404
    assert product.store.read_now(count_alive) == {}, "whoever stops takes itself off the list"


async def test_it_says_which_part_is_down(product: Parts) -> None:
    product.holdings.wrong = IndexUnreachable("http://user:secret@chroma", "refused")
    line = Line(SlackRefused("token_revoked"))
    async with beating(product.store, "worker", "clock"), probing(product, line=line) as ask:
        status, body = await ask("/readyz")
    parts = json.loads(body)["parts"]
    assert status == 503 and json.loads(body)["status"] == "not ready"
    assert (parts["index"]["state"], parts["index"]["needed"]) == ("down", False), "answers go on without it"
    assert parts["index"]["detail"] == "it does not answer" and "CHROMA_URL" in parts["index"]["next"]
    assert parts["slack"]["detail"] == "Slack refused: token_revoked"
    assert parts["database"]["state"] == "up"
    assert "secret" not in body


async def test_what_others_do_is_said_but_does_not_stop_this_process(product: Parts) -> None:
    """Without a worker requests are taken and wait; a probe that said otherwise would lose them."""
    product.models.calls._environ = {}
    async with probing(product, ("slack",)) as ask:
        status, body = await ask("/readyz")
    found = json.loads(body)
    assert (status, found["status"]) == (200, "degraded")
    assert found["parts"]["worker"]["state"] == found["parts"]["clock"]["state"] == "down"
    assert "index" not in found["parts"], "this process searches nothing"


async def test_a_model_that_cannot_be_called_is_named(product: Parts) -> None:
    product.models.calls._environ = {}
    async with beating(product.store, *ALL), probing(product) as ask:
        status, body = await ask("/readyz")
        assert (status, json.loads(body)["parts"]["model"]["detail"]) == (
            200,
            "careful: CAREFUL_KEY is not set",
        )
    for _ in range(5):
        product.models.breaker.failed(product.models.profiles.profile("default").key)
    assert (await product.models.unusable())[1] == "default: left alone for a while after failures"


async def test_without_a_database_it_still_answers(product: Parts) -> None:
    product.store.close()
    async with probing(product) as ask:
        assert (await ask("/healthz"))[0] == 200, "a restart would not bring the database back"
        status, body = await ask("/readyz")
        assert status == 503 and json.loads(body)["parts"]["database"]["state"] == "down"
        status, body = await ask("/metrics")
        assert status == 200 and "spanwise_queue_runs NaN" in body


async def test_a_part_that_hangs_is_asked_once(product: Parts) -> None:
    shelf = product.holdings = Shelf(gate=asyncio.Event())
    checks = HealthChecks({"index": shelf_look(shelf)}, frozenset({"index"}), patience_s=0.02, fresh_s=0)
    for _ in range(3):
        found = await checks.health()
        assert found.parts["index"].state == "down" and "no answer" in found.parts["index"].detail
    assert shelf.asked == 1 and shelf.gate is not None
    shelf.gate.set()
    assert (await checks.health()).is_ready
    await checks.close()


def shelf_look(shelf: Shelf) -> Callable[[], Awaitable[str]]:
    async def look() -> str:
        await shelf.ping()
        return ""

    return look


async def test_many_probes_are_one_look() -> None:
    shelf = Shelf()
    checks = HealthChecks({"index": shelf_look(shelf)}, frozenset())
    found = await asyncio.gather(*(checks.health() for _ in range(20)))
    assert shelf.asked == 1 and len(set(map(id, found))) == 1


async def test_the_line_to_slack_is_asked_about_seldom() -> None:
    clock, line = FakeClock(), Line()
    probe = LineProbe(line, clock)  # type: ignore[arg-type]
    assert [await probe.look() for _ in range(5)] == [""] * 5 and line.asked == 1
    await clock.sleep(31)
    line.wrong = SlackUncertain("timeout")
    assert await probe.look() == "Slack cannot be reached"
    line.wrong = None
    assert await probe.look() == "", "what was wrong is asked again at once"

    async def cut() -> bool:
        return False

    probe.is_connected = cut
    assert await probe.look() == "the socket is not connected"


async def test_a_taken_port_says_what_to_set(product: Parts) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", product.settings.health_port))
        other.listen()
        with pytest.raises(PortTaken) as refused:
            async with probing(product):
                raise AssertionError
    said = sentence("PortTaken", refused.value.facts)
    assert str(product.settings.health_port) in said and "SPANWISE_HEALTH_PORT" in said


async def test_port_zero_opens_nothing(product: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    product.settings = Settings()

    async def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("nobody asked for a port")

    monkeypatch.setattr("bot.health.open_door", refuse)
    checks = checks_for((), product.store, None, None, None)
    async with health_open(product.settings, product.watching, product.store, checks):
        pass


async def test_beats_that_cannot_be_written_end_nothing(store: Store) -> None:
    store.close()
    stop = asyncio.Event()
    stop.set()
    await Heartbeats(store, ("worker",)).run_until(stop)
