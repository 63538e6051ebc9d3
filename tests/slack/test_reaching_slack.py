"""Starting while Slack is away: it is called again until it is there, and the start goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot import slack_wire, taking
from bot.adapters.observing import Observers
from bot.adapters.system_clock import SystemClock
from bot.bootstrap import build
from bot.processes import run_parts
from bot.settings import Settings
from bot.settings_reading import settings_from
from bot.slack.gateway import SlackBusy, SlackRefused, SlackUncertain
from bot.slack_wire import Wire, once_reached, open_wire
from tests.ports import free_port


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_wire, "PAUSES_S", (0.0, 0.001))


@contextlib.asynccontextmanager
async def slack_back_after(
    outages: int, answer: dict[str, object]
) -> AsyncIterator[Callable[[], Awaitable[Wire]]]:
    """Calls a Slack that answers 503 so many times before."""
    left = outages

    async def auth_test(_: web.Request) -> web.Response:
        nonlocal left
        left -= 1
        return web.Response(status=503) if left >= 0 else web.json_response(answer)

    app = web.Application()
    app.router.add_post("/api/auth.test", auth_test)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    settings = settings_from(SLACK_API_URL=url, SLACK_BOT_TOKEN="xoxb-x")
    try:
        yield partial(open_wire, settings, SystemClock(), Observers())
    finally:
        await runner.cleanup()


async def test_a_start_goes_on_once_slack_is_there() -> None:
    answer = {"ok": True, "team_id": "T0SPAN", "user_id": "U0BOT", "url": "https://span.example/"}
    async with slack_back_after(3, answer) as opening:
        with capture_logs() as lines:
            wire = await once_reached(opening, asyncio.Event())
        assert wire is not None and wire.workspace_url == answer["url"]
        await wire.close()
    said = [(line["event"], line["again_s"]) for line in lines if line["log_level"] == "warning"]
    assert said == [("slack.not_reached", again_s) for again_s in (0.0, 0.001, 0.001)]


async def test_a_refused_token_ends_it() -> None:
    async with slack_back_after(1, {"ok": False, "error": "invalid_auth"}) as opening:
        with pytest.raises(SlackRefused):
            await once_reached(opening, asyncio.Event())


@pytest.mark.parametrize("error", [SlackBusy(3600.0), SlackUncertain("TimeoutError")])
async def test_who_is_stopped_meanwhile_ends_at_once(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_wire, "PAUSES_S", (3600.0,))
    stop = asyncio.Event()

    async def opening() -> None:
        asyncio.get_running_loop().call_soon(stop.set)
        raise error

    async with asyncio.timeout(10):
        assert await once_reached(opening, stop) is None


async def test_a_call_that_hangs_is_given_up_when_stopped() -> None:
    stop, was_cancelled = asyncio.Event(), asyncio.Event()

    async def opening() -> None:
        stop.set()
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()

    async with asyncio.timeout(10):
        assert await once_reached(opening, stop) is None
        await was_cancelled.wait()


async def everything(settings: Settings) -> None:
    product = build(settings)
    try:
        await run_parts(product, ("slack", "worker"), asyncio.Event())
    finally:
        await product.close()


async def probed(url: str) -> tuple[int, str]:
    """What a probe gets, once there is something to probe."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with session.get(url) as answer:
                    return answer.status, await answer.text()
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("start", [taking.serve, everything])
async def test_probes_are_answered_while_a_start_waits_for_slack(
    start: Callable[[Settings], Awaitable[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_wire, "PAUSES_S", (3600.0,))
    port = free_port()
    settings = settings_from(
        SPANWISE_DATA_DIR=tmp_path,
        SLACK_API_URL=f"http://127.0.0.1:{free_port()}/api/",
        SLACK_BOT_TOKEN="xoxb-x",
        SPANWISE_HEALTH_PORT=port,
    )
    starting = asyncio.ensure_future(start(settings))
    try:
        assert (await probed(f"http://127.0.0.1:{port}/healthz"))[0] == 200
        status, said = await probed(f"http://127.0.0.1:{port}/readyz")
        assert status == 503 and "Slack was not reached yet" in said
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
