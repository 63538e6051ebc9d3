"""What is counted, and that whoever listens can do no harm."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.metrics import Metrics
from bot.adapters.observing import (
    Happening,
    MessageTried,
    ModelCalled,
    Observers,
    RequestTaken,
    RunEnded,
    SlackCalled,
)
from bot.adapters.store.backlog import Backlog, read_backlog
from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import beat, heartbeats
from bot.adapters.store.run_leases import claim_runs
from tests.bot.run_desk import Desk
from workflows.ports import ModelUnavailable
from workflows.run import RunResult, RunStatus

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
RUN = RunEnded("r_1", 1, "ask-policy", 3, "command", "answered", "", NOW, NOW, NOW + timedelta(seconds=4), ())
CALL = LedgerEntry(
    "r_1", "answer", "answer", "default", "openai/small", 900, 80, Decimal("0.004"), NOW, 1.5, "ok"
)


def counted(metrics: Metrics, backlog: Backlog | None = None) -> dict[str, float]:
    """Each sample as `name{values of its labels}` to its value."""
    found = {}
    for family in text_string_to_metric_families(metrics.page(backlog).decode()):
        for sample in family.samples:
            found[f"{sample.name}{{{','.join(sorted(sample.labels.values()))}}}"] = sample.value
    return found


def test_runs_calls_and_money_are_counted() -> None:
    metrics = Metrics()
    metrics(RUN)
    metrics(replace(RUN, ending="failed", failure="ModelUnavailable"))
    metrics(ModelCalled(CALL, "ask-policy", 1))
    metrics(ModelCalled(replace(CALL, outcome="ModelTimeout", cost_usd=Decimal(0)), "ask-policy", 1))
    found = counted(metrics)
    assert found["spanwise_runs_total{answered,ask-policy}"] == 1
    assert found["spanwise_run_failures_total{ModelUnavailable,ask-policy}"] == 1
    assert found["spanwise_run_seconds_sum{ask-policy}"] == 8
    assert found["spanwise_run_seconds_bucket{2.5,ask-policy}"] == 0
    assert found["spanwise_run_seconds_bucket{5.0,ask-policy}"] == 2
    assert found["spanwise_cost_dollars_total{answer,ask-policy,openai/small}"] == 0.004
    assert found["spanwise_model_calls_total{ModelTimeout,answer,openai/small}"] == 1
    assert found["spanwise_tokens_total{ask-policy,input,openai/small}"] == 1800


def test_what_slack_sent_and_took_is_counted() -> None:
    metrics = Metrics()
    metrics(RequestTaken("command", "/ask-policy", 0.02, "ok"))
    metrics(SlackCalled("chat_postMessage", "is_archived"))
    metrics(MessageTried("m1", "run", "r_1", "refused", 0.1))
    found = counted(metrics)
    assert found["spanwise_slack_requests_total{command,ok}"] == 1
    assert found["spanwise_slack_ack_seconds_bucket{0.025,command}"] == 1
    assert found["spanwise_slack_calls_total{chat_postMessage,is_archived}"] == 1
    assert found["spanwise_messages_total{refused,run}"] == 1


def test_gauges_say_what_waits_or_that_nobody_knows() -> None:
    metrics = Metrics()
    found = counted(metrics, Backlog(3, 12.5, 2, 4, 1.5, 1))
    assert (found["spanwise_queue_runs{}"], found["spanwise_queue_age_seconds{}"]) == (3, 12.5)
    assert (found["spanwise_outbox_messages{}"], found["spanwise_workers{}"]) == (4, 1)
    unknown = counted(metrics)["spanwise_queue_runs{}"]
    assert unknown != unknown, "NaN, not a nothing that looks like an empty queue"


def test_two_products_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one(RUN)
    assert "spanwise_runs_total{answered,ask-policy}" not in counted(other)


def test_a_listener_that_fails_harms_nobody() -> None:
    heard: list[Happening] = []

    def broken(_: Happening) -> None:
        raise RuntimeError("the collector is down")

    observers = Observers((broken, heard.append))
    observers.tell(RUN)
    observers.tell(RUN)
    assert heard == [RUN, RUN]


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store).open()


async def test_what_waits_is_read_from_the_database(desk: Desk) -> None:
    assert desk.store.read_now(read_backlog) == Backlog(0, 0, 0, 0, 0, 0)
    for n in range(3):
        await desk.ask(f"k{n}")
    desk.store.write_now(lambda c: claim_runs(c, owner="w", lease_s=15, limit=1))
    desk.sql("UPDATE runs SET due_at='2026-01-01 00:00:00.000000' WHERE status='queued'")
    desk.store.write_now(lambda c: beat(c, "host:1", ("worker", "clock")))
    found = desk.store.read_now(read_backlog)
    assert (found.queued, found.running, found.unsent, found.workers) == (2, 1, 3, 1)
    assert found.queue_age_s > 24 * 3600 and found.unsent_age_s >= 0


async def test_a_process_that_falls_silent_counts_no_more(desk: Desk) -> None:
    def fall_silent(connection: Any) -> None:
        long_ago = {"process": "host:2", "parts": "worker", "started_at": NOW, "seen_at": NOW}
        connection.execute(insert(heartbeats), long_ago | {"seen_at": datetime(2020, 1, 1, tzinfo=UTC)})

    desk.store.write_now(fall_silent)
    assert desk.store.read_now(read_backlog).workers == 0
    for _ in range(2):
        desk.store.write_now(lambda c: beat(c, "host:1", ("worker",)))
    assert desk.sql("SELECT process FROM heartbeats") == [("host:1",)], "the silent one is forgotten"


async def test_the_worker_and_the_courier_tell_how_it_went(desk: Desk) -> None:
    heard: list[Happening] = []
    observers = Observers((heard.append,))

    async def act(row: Any, *_: object) -> RunResult:
        if row.inputs["question"] == "fail":
            raise ModelUnavailable("default")
        return RunResult(RunStatus.SUCCEEDED, None, ())

    desk.perform.act = act
    await desk.ask("k1")
    await desk.ask("k2", inputs={"question": "fail"})
    worker = desk.worker()
    worker.observers = desk.courier.observers = observers
    await worker.drain()
    await desk.courier.drain()
    ended = {each.ending: each for each in heard if isinstance(each, RunEnded)}
    assert set(ended) == {"answered", "failed"}
    assert ended["failed"].failure == "ModelUnavailable" and ended["answered"].failure == ""
    assert ended["answered"].workflow == "ask-policy" and ended["answered"].fence == 1
    assert [each.outcome for each in heard if isinstance(each, MessageTried)] == ["posted", "posted"]
