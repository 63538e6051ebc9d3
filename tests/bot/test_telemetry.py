"""Traces as a collector gets them, and a collector that is not there."""

import asyncio
import builtins
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from structlog.testing import capture_logs

from bot.adapters.correlation import correlated
from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.observing import (
    Happening,
    MessageTried,
    ModelCalled,
    Observers,
    RequestTaken,
    RunEnded,
    SlackCalled,
)
from bot.adapters.telemetry import Export, TelemetryMissing, Tracing
from bot.lookout import watching
from bot.settings import Secret, Settings
from bot.settings_reading import InvalidSettings, settings_from
from bot.slack.refusals import sentence
from tests.ports import free_port
from workflows.run import Failure, StepRun, StepStatus

NOW = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
ID = "0123456789abcdef" * 2


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


FIND = StepRun("find", "retrieve", StepStatus.SUCCEEDED, {"passages": "secret text"}, at(1), at(2))
ANSWER = StepRun("answer", "prompt", StepStatus.FAILED, {}, at(2), at(4), failure=Failure("ModelTimeout"))
SKIPPED = StepRun("check", "check", StepStatus.SKIPPED, {}, at(4), at(4))
EARLIER = StepRun("before", "template", StepStatus.SUCCEEDED, {}, at(-9), at(-8))
STEPS = (EARLIER, FIND, ANSWER, SKIPPED)
RUN = RunEnded("r_1", 2, "ask-policy", 7, "command", "failed", "ModelTimeout", NOW, at(0.5), at(4), STEPS)
CALL = LedgerEntry(
    "r_1",
    "answer",
    "answer",
    "default",
    "gemini/flash",
    900,
    80,
    Decimal("0.004"),
    at(2),
    1.5,
    "ModelTimeout",
    cached_tokens=300,
    served_by="flash-002",
)


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)

    def named(self, name: str) -> Any:
        (found,) = (each for each in self.spans if each.name == name)
        return found


def traced(*happenings: Happening) -> Kept:
    """What became of what happened, within one request."""
    kept = Kept()
    tracing = Tracing(kept)
    with correlated(ID):
        for happening in happenings:
            tracing(happening)
    return kept


def test_a_run_its_steps_and_its_calls_are_one_trace() -> None:
    kept = traced(ModelCalled(CALL, "ask-policy", 2), RUN)
    names = {each.name for each in kept.spans}
    assert names == {"invoke_workflow ask-policy", "step find", "step answer", "chat flash"}
    assert {each.context.trace_id for each in kept.spans} == {int(ID, 16)}, "the correlation id"
    run, step, call = (
        kept.named(name) for name in ("invoke_workflow ask-policy", "step answer", "chat flash")
    )
    assert run.parent is None and step.parent.span_id == run.context.span_id
    assert call.parent.span_id == step.context.span_id, "though it was told before its step was over"
    again = traced(RunEnded(**{**{f: getattr(RUN, f) for f in RunEnded.__slots__}, "fence": 3}))
    assert again.named("step answer").context.span_id != step.context.span_id, (
        "another attempt is another span"
    )


def test_calls_are_described_in_the_words_of_the_conventions() -> None:
    call = traced(ModelCalled(CALL, "ask-policy", 2)).named("chat flash")
    told = dict(call.attributes)
    assert told["gen_ai.operation.name"] == "chat" and told["gen_ai.provider.name"] == "gcp.gemini"
    assert (told["gen_ai.request.model"], told["gen_ai.response.model"]) == ("flash", "flash-002")
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (900, 80)
    assert told["gen_ai.usage.cache_read.input_tokens"] == 300 and told["error.type"] == "ModelTimeout"
    assert call.kind.name == "CLIENT" and call.status.status_code.name == "ERROR"
    assert call.end_time - call.start_time == 1_500_000_000
    assert call.start_time == int(at(2).timestamp()) * 10**9 + 123456000, "to the microsecond"


def test_names_of_the_conventions_exist_in_them() -> None:
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    kept = traced(ModelCalled(CALL, "ask-policy", 2), RUN)
    used = {key for each in kept.spans for key in each.attributes if key.startswith("gen_ai.")}
    assert used and used <= known
    assert kept.named("step find").attributes["gen_ai.operation.name"] == "retrieval"


def test_no_text_of_people_or_models_is_sent() -> None:
    kept = traced(ModelCalled(CALL, "ask-policy", 2), RUN)
    assert "secret" not in "".join(each.to_json() for each in kept.spans)


def test_requests_and_messages_are_spans_too() -> None:
    kept = traced(
        RequestTaken("command", "/ask-policy", 0.02, "NotAuthorized"),
        MessageTried("m1", "run", "r_1", "posted", 0.1),
        SlackCalled("chat_update", "ok"),
    )
    assert [each.name for each in kept.spans] == ["slack command", "message run"]
    assert kept.spans[0].attributes["error.type"] == "NotAuthorized" and kept.spans[0].kind.name == "SERVER"
    assert kept.spans[1].attributes["spanwise.run.id"] == "r_1" and kept.spans[1].status.is_ok


def test_a_call_of_no_run_is_a_trace_of_its_own() -> None:
    kept = Kept()
    tracing = Tracing(kept)
    for _ in range(2):
        tracing(ModelCalled(replace(CALL, run_id="", outcome="ok"), "ask-policy", 0))
    one, other = kept.spans
    assert one.parent is None and one.context.trace_id != other.context.trace_id and one.status.is_ok


class Collector:
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.port = free_port()
        self.spans: list[Any] = []
        self.headers: list[dict[str, str]] = []

    async def take(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        self.headers.append(dict(request.headers))
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response()


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", made.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", made.port).start()
    yield made
    await runner.cleanup()


async def test_a_collector_gets_them(collector: Collector) -> None:
    settings = Settings(
        otlp_endpoint=f"http://127.0.0.1:{collector.port}/", otlp_headers=Secret("x-key=abc, nothing")
    )
    seen = watching(settings)
    with correlated(ID):
        seen.observers.tell(ModelCalled(CALL, "ask-policy", 2))
        seen.observers.tell(RUN)
    await seen.close()
    assert sorted(each.name for each in collector.spans) == [
        "chat flash",
        "invoke_workflow ask-policy",
        "step answer",
        "step find",
    ]
    assert {each.trace_id.hex() for each in collector.spans} == {ID}
    assert collector.headers[0]["x-key"] == "abc"


async def test_a_collector_that_is_down_holds_nothing_up() -> None:
    export = Export(f"http://127.0.0.1:{free_port()}", {})
    observers = Observers((Tracing(export),))
    with capture_logs() as lines:
        began = time.monotonic()
        for _ in range(50):
            observers.tell(RUN)
        assert time.monotonic() - began < 1, "a run never waits for it"
        began = time.monotonic()
        await asyncio.to_thread(export.close)
        assert time.monotonic() - began < 5, "nor does a process that stops, for long"
    lost = [line for line in lines if line["event"] == "telemetry.collector_lost"]
    assert len(lost) == 1, "said once, not with every batch"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name.startswith("opentelemetry.exporter"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(TelemetryMissing) as refused:
        watching(Settings(otlp_endpoint="http://127.0.0.1:4318"))
    said = sentence("TelemetryMissing", refused.value.facts)
    assert "spanwise[otel]" in said and "OTEL_EXPORTER_OTLP_ENDPOINT" in said


def test_nothing_is_traced_without_a_collector() -> None:
    assert not any(isinstance(each, Tracing) for each in watching(Settings()).observers.listeners)
    with pytest.raises(InvalidSettings) as refused:
        settings_from(OTEL_EXPORTER_OTLP_ENDPOINT="collector:4318")
    assert "http" in refused.value.facts["problems"]
