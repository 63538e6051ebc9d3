"""Signed HTTP: forged, replayed, oversized and odd requests, and the ones that are Slack's."""

import asyncio
import gzip
import hashlib
import hmac
import json
import logging
import sys
import time
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest
import structlog
from aiohttp.test_utils import TestServer
from handed_samples import away_at_first
from hypothesis import given
from hypothesis import strategies as st
from slack_scene import Scene

from bot.adapters.store.handed_log import insert_handed
from bot.entrance import SWITCH_S, switching_often
from bot.services import handing_over
from bot.services.run_views import RunView
from bot.slack.app import build_app
from bot.slack.http_door import LARGEST, PATH, build_door
from bot.slack.signatures import Signatures

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
PREVIOUS = "the-secret-before-it"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def door(scene: Scene) -> AsyncIterator[aiohttp.ClientSession]:
    server = TestServer(build_door(build_app(scene.reception), Signatures((SECRET, PREVIOUS), time.time)))
    await server.start_server(auto_decompress=False)
    async with aiohttp.ClientSession(server.make_url("/")) as session:
        yield session
    await scene.reception.settle()
    await server.close()


def signed(
    body: str, *, secret: str = SECRET, timestamp: str = "", content_type: str = FORM
) -> dict[str, str]:
    stamp = timestamp or str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
    }


def command(text: str = "How many days?", trigger: str = "1.2.abc") -> str:
    return urlencode(
        {
            "command": "/ask-policy",
            "text": text,
            "user_id": "U0ANA",
            "team_id": "T0SPAN",
            "channel_id": "C0PEOPLE",
            "trigger_id": trigger,
            "api_app_id": "A0SPAN",
        }
    )


async def accepted(scene: Scene) -> tuple[RunView, ...]:
    """What came of it."""
    return await scene.desk.runs.recent(await scene.desk.people.actor("U0ANA"))


async def test_a_signed_command_is_answered_at_once(scene: Scene, door: aiohttp.ClientSession) -> None:
    body = command()
    async with door.post(PATH, data=body, headers=signed(body)) as response:
        assert response.status == 200
        assert "Working on" in (await response.json())["text"]
    await scene.answered(scene.person("U0ANA"))


async def test_a_replayed_request_runs_once(scene: Scene, door: aiohttp.ClientSession) -> None:
    body = command()
    headers = signed(body)
    texts = []
    for _ in range(2):
        async with door.post(PATH, data=body, headers=headers) as response:
            assert response.status == 200
            texts.append((await response.json())["text"])
    assert "it runs once" in texts[1]
    await scene.answered(scene.person("U0ANA"))
    assert len(scene.script.rows) == 1


async def test_forty_at_once_are_each_accepted_within_three_seconds(
    scene: Scene, door: aiohttp.ClientSession
) -> None:
    async def send(number: int) -> float:
        body = command(trigger=f"t{number}")
        started = time.monotonic()
        async with door.post(PATH, data=body, headers=signed(body)) as response:
            assert response.status == 200
        return time.monotonic() - started

    slowest = max(await asyncio.gather(*(send(number) for number in range(40))))
    assert slowest < 3


async def test_an_event_is_not_acknowledged_before_it_is_on_record(
    scene: Scene, door: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = away_at_first(insert_handed, times=5)
    monkeypatch.setattr(handing_over, "insert_handed", recorded)
    event = {"type": "app_mention", "user": "U0ANA", "channel": "C0PEOPLE", "ts": "1700000000.000100"}
    said = {
        "type": "event_callback",
        "team_id": "T0SPAN",
        "event": {**event, "text": "<@U0SPAN> ask-policy: how many days?"},
    }
    body = json.dumps({**said, "authorizations": [{"user_id": "U0SPAN"}]})
    headers = signed(body, content_type="application/json")
    for repetition, status in (("", 503), ("1", 503), ("2", 503), ("3", 200), ("0", 200)):
        async with door.post(
            PATH, data=body, headers={**headers, "X-Slack-Retry-Num": repetition}
        ) as response:
            assert response.status == status, repetition
        await scene.reception.settle()
    assert len(await accepted(scene)) == 1


async def test_slacks_url_check_is_answered(door: aiohttp.ClientSession) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c-1", "token": "x"})
    async with door.post(PATH, data=body, headers=signed(body, content_type="application/json")) as response:
        assert response.status == 200 and "c-1" in await response.text()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"X-Slack-Signature": "v0=" + "0" * 64}, 401),
        ({"X-Slack-Signature": ""}, 401),
        ({"X-Slack-Signature": "v0=\udcff"}, 401),
        ({"X-Slack-Signature": None}, 401),
        ({"X-Slack-Request-Timestamp": "soon"}, 401),
        ({"X-Slack-Request-Timestamp": "١٢٣"}, 401),
        ({"X-Slack-Request-Timestamp": "-1"}, 401),
        ({"X-Slack-Request-Timestamp": "9" * 40}, 401),
        ({"X-Slack-Request-Timestamp": None}, 401),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ],
)
async def test_forged_and_odd_requests_are_turned_away_and_leave_no_row(
    scene: Scene, door: aiohttp.ClientSession, changes: dict[str, str | None], status: int
) -> None:
    body = command()
    headers = {name: value for name, value in {**signed(body), **changes}.items() if value is not None}
    async with door.post(PATH, data=body.encode(), headers=headers) as response:
        assert response.status == status
    assert not await accepted(scene)


async def test_a_request_signed_for_another_body_or_too_long_ago_is_refused(
    door: aiohttp.ClientSession,
) -> None:
    body = command()
    for headers in (
        signed("other"),
        signed(body, secret="other"),
        signed(body, secret=""),
        signed(body, timestamp=str(int(time.time()) - 301)),
        signed(body, timestamp=str(int(time.time()) + 330)),
    ):
        async with door.post(PATH, data=body, headers=headers) as response:
            assert response.status == 401


async def test_a_large_body_is_not_read(door: aiohttp.ClientSession) -> None:
    body = "text=" + "x" * LARGEST
    async with door.post(PATH, data=body, headers=signed(body)) as response:
        assert response.status == 413


async def test_a_large_body_that_does_not_say_so_is_not_read_to_its_end(
    scene: Scene, door: aiohttp.ClientSession
) -> None:
    body = "text=" + "x" * (4 * LARGEST)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536].encode()

    async with door.post(PATH, data=pieces(), headers=signed(body)) as response:
        assert response.status == 413
    assert not await accepted(scene)


async def test_a_small_body_that_would_become_large_is_not_unpacked(
    scene: Scene, door: aiohttp.ClientSession
) -> None:
    packed = gzip.compress(b"text=" + b"x" * (8 * LARGEST))
    headers = {**signed("text="), "Content-Encoding": "gzip"}
    async with door.post(PATH, data=packed, headers=headers) as response:
        assert response.status == 415
    assert not await accepted(scene)


async def test_both_secrets_count_while_they_are_rotated(scene: Scene, door: aiohttp.ClientSession) -> None:
    for trigger, secret in (("n", SECRET), ("o", PREVIOUS)):
        body = command(trigger=trigger)
        async with door.post(PATH, data=body, headers=signed(body, secret=secret)) as response:
            assert response.status == 200
    assert len(await accepted(scene)) == 2


async def test_the_log_holds_nothing_that_a_forger_wrote(
    scene: Scene,
    door: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    body = command(text="CANARY-4711")
    with structlog.testing.capture_logs() as lines:
        for headers in (signed(body, secret="guess-CANARY"), {**signed(body), "X-Slack-Signature": "CANARY"}):
            async with door.post(PATH, data=body, headers=headers) as response:
                assert response.status == 401
    assert [line["status"] for line in lines if line["event"] == "door.turned_away"] == [401, 401]
    shown = capsys.readouterr()
    assert "CANARY" not in f"{lines}{caplog.text}{shown.out}{shown.err}"


async def test_what_is_not_signed_does_not_say_how_the_body_is_read(
    scene: Scene, door: aiohttp.ClientSession
) -> None:
    body = command(text="How many days?")
    headers = signed(body, content_type=f"{FORM}; charset=utf-16")
    async with door.post(f"{PATH}?command=/other", data=body.encode(), headers=headers) as response:
        assert "Working on" in (await response.json())["text"]


@given(
    timestamp=st.one_of(st.text(max_size=14), st.integers().map(str)),
    signature=st.text(st.characters(), max_size=80),
    body=st.binary(max_size=40),
)
def test_nothing_but_slacks_own_signature_is_vouched_for(timestamp: str, signature: str, body: bytes) -> None:
    signatures = Signatures((SECRET, PREVIOUS), lambda: 1_700_000_000.0)
    assert not signatures.vouch_for(timestamp, signature, body)
    assert not Signatures((), lambda: 1_700_000_000.0).vouch_for("1700000000", signature, body)


async def test_only_posts_are_taken_and_health_is_told(door: aiohttp.ClientSession) -> None:
    async with door.get(PATH) as response:
        assert response.status == 405
    async with door.get("/health") as response:
        assert response.status == 200
    async with door.get("/") as response:
        assert response.status == 404


def test_threads_give_way_soon_while_requests_are_taken_and_only_then() -> None:
    before = sys.getswitchinterval()
    with pytest.raises(LookupError), switching_often():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
        raise LookupError
    assert sys.getswitchinterval() == before
