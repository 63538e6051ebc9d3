"""One id from what Slack sent to the last message, on every line of the log."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import structlog
from slack_samples import answer
from slack_scene import Scene, succeeded
from sqlalchemy import select

from bot import logs
from bot.adapters.correlation import correlated, correlation, correlation_for
from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.log_lines import write_line
from bot.adapters.observing import MessageTried, ModelCalled, Observers, RunEnded
from bot.adapters.store.outbox_log import outbox
from bot.adapters.store.run_log import RunRow, inbox, runs
from bot.governance.budget import Spender
from bot.slack.app import build_app
from workflows.run import RunResult

CHANNEL = "C0PEOPLE"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process logs, as JSON lines."""
    root, written = logging.getLogger(), io.StringIO()
    before, configured = (root.handlers, root.level), structlog.get_config()
    monkeypatch.setattr(sys, "stderr", written)
    logs.set_up("DEBUG")
    yield written
    structlog.configure(**configured)
    root.handlers, root.level = before


def parsed(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def listening(scene: Scene) -> None:
    """Have what happens logged too."""
    observers = Observers((scene.happened.append, write_line))
    scene.worker.observers = scene.courier.observers = scene.reception.observers = observers
    scene.billing.observers = observers


def calling_a_model(scene: Scene) -> None:
    """Runs that pay for one call, as an execution does."""

    async def perform(row: RunRow, held: Any, on_progress: Any) -> RunResult:
        payer = scene.billing.payer(Spender(workflow=row.workflow), row.id, held.fence)
        at = datetime.now(UTC)
        cost = Decimal("0.001")
        await payer.record(
            LedgerEntry(row.id, "answer", "answer", "default", "openai/x", 9, 3, cost, at, 0.2, "ok")
        )
        logging.getLogger("a.library").warning("said within the run")
        return succeeded(answer())

    scene.worker.perform = perform


async def test_one_id_from_the_payload_to_the_message(scene: Scene, lines: io.StringIO) -> None:
    listening(scene)
    calling_a_model(scene)
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    await scene.answered(ana)
    await scene.quiet()
    await scene.told(RunEnded)
    await scene.told(MessageTried)
    run = scene.store.read_now(lambda c: c.execute(select(runs)).one())
    key = scene.store.read_now(lambda c: c.execute(select(inbox.c.dedupe_key)).scalar_one())
    assert run.correlation == correlation_for(key), "told from the payload alone"
    sent = scene.store.read_now(lambda c: c.execute(select(outbox.c.correlation)).scalars().all())
    assert sent == [run.correlation]
    said = [line for line in parsed(lines) if line.get("correlation") == run.correlation]
    events = [line["event"] for line in said]
    for expected in ("run.accepted", "request.answered", "model.called", "run.ended", "message.tried"):
        assert expected in events, expected
    assert "said within the run" in events, "a library's own line as well"
    within = [line for line in said if line["event"] in ("model.called", "said within the run")]
    assert {line["run"] for line in within} == {run.id}
    assert all(line.get("correlation") for line in parsed(lines) if line["event"] != "slack.called")


async def test_two_requests_have_two_ids_and_a_repeated_one_has_one(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    await scene.answered(ana, count=2)
    found = scene.store.read_now(lambda c: c.execute(select(runs.c.correlation)).scalars().all())
    assert len(set(found)) == 2 and all(len(each) == 32 for each in found)
    assert correlation_for("cmd:T:1") == correlation_for("cmd:T:1") != correlation_for("cmd:T:2")
    assert correlation_for("") != correlation_for(""), "what has no key has an id all the same"


async def test_what_is_done_after_the_acknowledgement_keeps_the_id(scene: Scene, lines: io.StringIO) -> None:
    listening(scene)
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/plan-trip nights=2")
    await ana.wait_for(lambda: next(iter(ana.views()), None))
    await scene.quiet()
    assert correlation() == "", "and nothing of it is left behind"
    taken = [line for line in parsed(lines) if line["event"] == "request.answered"]
    assert taken and taken[0]["correlation"]


async def test_a_write_is_made_under_the_id_of_whoever_asked(scene: Scene) -> None:
    with correlated("a" * 32):
        assert await scene.store.write(lambda _: correlation()) == "a" * 32
        assert await scene.store.read(lambda _: correlation()) == "a" * 32
    assert await scene.store.write(lambda _: correlation()) == ""


def test_lines_below_the_level_cost_no_work(lines: io.StringIO) -> None:
    logging.getLogger().setLevel("WARNING")
    log = structlog.get_logger("bot.test")

    class Dear:
        def __repr__(self) -> str:
            raise AssertionError("rendered though nobody reads it")

    log.debug("unwanted", value=Dear())
    log.warning("wanted")
    assert [line["event"] for line in parsed(lines)] == ["wanted"]


def test_a_model_call_of_no_run_is_a_line_too(lines: io.StringIO) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    entry = LedgerEntry("", "judge", "judge", "default", "openai/x", 9, 3, Decimal("1E-7"), at, 0.2, "ok")
    write_line(ModelCalled(entry, "ask-policy", 0))
    (line,) = parsed(lines)
    assert (line["purpose"], line["cost_usd"]) == ("judge", "0.0000001")


def test_no_secret_is_written_wherever_it_stands(lines: io.StringIO) -> None:
    log = structlog.get_logger("bot.test")
    try:
        raise ValueError("refused xoxb-1234567890-abc")
    except ValueError:
        log.exception(
            "failed", token="sk-abcdefgh1234", more=["xapp-1234567890"], facts={"key": "ghp_abcdefgh"}
        )
    logging.getLogger("a.library").warning("with sk-abcdefgh1234")
    written = lines.getvalue()
    assert "sk-***" in written and "xapp-***" in written and "ghp_***" in written and "xoxb-***" in written
    assert "1234567890" not in written and "abcdefgh" not in written
    assert len(parsed(lines)) == 2, "and it is JSON all the same"


async def test_nobody_is_warned_of_the_token_that_is_used(
    lines: io.StringIO, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-the-installation")
    build_app(scene.reception)
    logging.getLogger("slack_bolt.AsyncApp").warning("something else")
    warned = [line["event"] for line in parsed(lines) if line["level"] == "warning"]
    assert warned == ["something else"]
