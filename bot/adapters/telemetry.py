"""Traces for OpenTelemetry, in the words of its conventions for generative AI; no text of people or models.

Spans are made when something is over, with ids that follow from what it was: a call knows its step's without
being told. The trace id is the correlation id.
"""

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from bot.adapters.correlation import correlation
from bot.adapters.observing import Happening, MessageTried, ModelCalled, RequestTaken, RunEnded
from workflows.run import StepRun, StepStatus

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

log = structlog.get_logger(__name__)

TIMEOUT_S = 5.0
"""For one batch; a collector that is slower gets the next one."""
FLUSH_S = 2.0
"""How long a process that stops waits for its last spans to go out."""
SCOPE = "spanwise"

PROVIDERS: Mapping[str, str] = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""Names of providers where the conventions have another than the model library."""


class TelemetryMissing(Exception):
    """The exporter is not installed; fact `extra` names what to install."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = {"extra": "spanwise[otel]", "setting": "OTEL_EXPORTER_OTLP_ENDPOINT"}


class SpanSink(Protocol):
    """Takes finished spans, at once, and lets go of them in the end."""

    def on_end(self, span: "ReadableSpan") -> None:
        """Queue one; never waits."""
        ...


class Tracing:
    """Makes a span of each request, run, step, call to a model and message."""

    def __init__(self, sink: SpanSink) -> None:
        # the library is there only where the extra is installed
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        self._sink = sink
        self._span = ReadableSpan
        self._resource = Resource.create({"service.name": SCOPE, "service.version": _version()})
        self._scope = InstrumentationScope(SCOPE)

    def __call__(self, happening: Happening) -> None:
        """Pass on its spans."""
        match happening:
            case RunEnded():
                self._run(happening)
            case ModelCalled():
                self._call(happening)
            case RequestTaken(kind=kind, name=name, outcome=outcome, seconds=seconds):
                facts = {"spanwise.request.kind": kind, "spanwise.request.name": name}
                error = "" if outcome == "ok" else outcome
                self._now(f"slack {kind}", seconds, facts, kind="SERVER", error=error)
            case MessageTried(kind=kind, run_id=run_id, outcome=outcome, seconds=seconds):
                facts = {"spanwise.message.kind": kind, "spanwise.message.outcome": outcome}
                error = outcome if outcome in ("refused", "uncertain") else ""
                self._now(f"message {kind}", seconds, _with_run(facts, run_id), kind="CLIENT", error=error)

    def _run(self, run: RunEnded) -> None:
        own = _id("run", run.run_id, run.fence)
        facts = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": run.workflow,
            "spanwise.run.id": run.run_id,
            "spanwise.run.ending": run.ending,
            "spanwise.run.waited_s": run.waited_s,
            "spanwise.run.surface": run.surface,
            "spanwise.workflow.version": run.version,
        }
        times = (run.started_at, run.finished_at)
        self._emit(f"invoke_workflow {run.workflow}", own, 0, times, facts, error=run.failure)
        for step in run.steps:
            # what an earlier attempt did was told when that ended, or died with its process
            if step.started_at >= run.started_at and step.status is not StepStatus.SKIPPED:
                self._step(run, step, own)

    def _step(self, run: RunEnded, step: StepRun, parent: int) -> None:
        facts: dict[str, Any] = {
            "spanwise.run.id": run.run_id,
            "spanwise.step.id": step.step_id,
            "spanwise.step.kind": step.kind,
            "spanwise.step.attempts": step.attempts,
        }
        if step.kind == "retrieve":
            facts["gen_ai.operation.name"] = "retrieval"
        error = step.failure.kind if step.failure else ""
        own = _id("step", run.run_id, run.fence, step.step_id)
        self._emit(
            f"step {step.step_id}", own, parent, (step.started_at, step.finished_at), facts, error=error
        )

    def _call(self, call: ModelCalled) -> None:
        entry = call.entry
        provider, _, model = entry.model.partition("/")
        facts = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDERS.get(provider, provider),
            "gen_ai.request.model": model or provider,
            "gen_ai.usage.input_tokens": entry.input_tokens,
            "gen_ai.usage.output_tokens": entry.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": entry.cached_tokens,
            "spanwise.cost_usd": float(entry.cost_usd),
            "spanwise.purpose": entry.purpose,
            "spanwise.model.alias": entry.alias,
            "spanwise.workflow.name": call.workflow,
        }
        if entry.served_by:
            facts["gen_ai.response.model"] = entry.served_by
        parent = _id("step", entry.run_id, call.fence, entry.step_id) if entry.run_id else 0
        times = (entry.started_at, entry.started_at + timedelta(seconds=entry.seconds))
        error = "" if entry.outcome == "ok" else entry.outcome
        name = f"chat {model or provider}"
        self._emit(name, _any_id(), parent, times, _with_run(facts, entry.run_id), kind="CLIENT", error=error)

    def _now(self, name: str, seconds: float, facts: Mapping[str, Any], *, kind: str, error: str) -> None:
        ended = datetime.fromtimestamp(time.time(), UTC)
        times = (ended - timedelta(seconds=seconds), ended)
        self._emit(name, _any_id(), 0, times, facts, kind=kind, error=error)

    def _emit(
        self,
        name: str,
        own: int,
        parent: int,
        times: tuple[datetime, datetime],
        facts: Mapping[str, Any],
        *,
        kind: str = "INTERNAL",
        error: str = "",
    ) -> None:
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

        trace = int(correlation() or secrets.token_hex(16), 16)
        flags = TraceFlags(TraceFlags.SAMPLED)
        above = SpanContext(trace, parent, is_remote=False, trace_flags=flags) if parent else None
        span = self._span(
            name=name,
            context=SpanContext(trace, own, is_remote=False, trace_flags=flags),
            parent=above,
            resource=self._resource,
            attributes={**facts, "error.type": error} if error else facts,
            kind=SpanKind[kind],
            status=Status(StatusCode.ERROR, error) if error else Status(),
            start_time=_nanoseconds(times[0]),
            end_time=_nanoseconds(max(times)),
            instrumentation_scope=self._scope,
        )
        self._sink.on_end(span)


class Export:
    """Sends spans to a collector from a thread of its own; what it cannot send is dropped."""

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """Raises TelemetryMissing."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError:
            raise TelemetryMissing from None
        # it says of every batch that it failed; we say when that begins and when it ends
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        url = f"{endpoint.rstrip('/')}/v1/traces"
        self._exporter = OTLPSpanExporter(endpoint=url, headers=dict(headers), timeout=TIMEOUT_S)
        self._batches = BatchSpanProcessor(_Saying(self._exporter, endpoint))  # type: ignore[arg-type]

    def on_end(self, span: "ReadableSpan") -> None:
        """Queue one; a full queue drops it."""
        self._batches.on_end(span)

    def close(self) -> None:
        """Send what waits, for two seconds at most."""
        # asked to wait no longer than that, it waits for each batch all the same
        flushing = threading.Thread(target=self._batches.force_flush, daemon=True)
        flushing.start()
        flushing.join(FLUSH_S)
        # told first, it gives up its retries, for which the batches would wait
        self._exporter.shutdown()  # type: ignore[no-untyped-call]
        self._batches.shutdown()  # type: ignore[no-untyped-call]


class _Saying:
    """An exporter that says when the collector is lost and when it is back."""

    def __init__(self, exporter: Any, endpoint: str) -> None:
        self._exporter = exporter
        self._endpoint = endpoint
        self._is_lost = False

    def export(self, spans: Sequence["ReadableSpan"]) -> Any:
        result = self._exporter.export(spans)
        is_lost = result.name != "SUCCESS"
        if is_lost and not self._is_lost:
            log.warning("telemetry.collector_lost", endpoint=self._endpoint, dropped=len(spans))
        elif self._is_lost and not is_lost:
            log.info("telemetry.collector_back", endpoint=self._endpoint)
        self._is_lost = is_lost
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return bool(self._exporter.force_flush(timeout_millis))


def _with_run(facts: Mapping[str, Any], run_id: str) -> dict[str, Any]:
    return {**facts, "spanwise.run.id": run_id} if run_id else dict(facts)


def _id(*parts: object) -> int:
    """The id of a span, which follows from what it is of."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1


def _any_id() -> int:
    return secrets.randbits(64) or 1


def _nanoseconds(at: datetime) -> int:
    # through a float, microseconds would be lost
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _version() -> str:
    try:
        return metadata.version(SCOPE)
    except metadata.PackageNotFoundError:
        return "unknown"
