"""Counters and histograms for Prometheus, in a registry of their own; gauges are read when asked for."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector

from bot.adapters.observing import (
    Happening,
    MessageTried,
    ModelCalled,
    RequestTaken,
    RunEnded,
    RunRefused,
    SlackCalled,
)
from bot.adapters.store.backlog import Backlog

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

RUN_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
CALL_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
ACK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
"""Upper bounds of the histograms; Slack shows an error when an acknowledgement takes longer than the last."""


class Metrics:
    """What this process did since it started, and how much waits in the database."""

    def __init__(self) -> None:
        # otherwise each counter comes with the time at which it was first counted
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        # memory, CPU time and open files of this process, where the system tells
        ProcessCollector(registry=registry)
        self._runs = _counter(registry, "runs", "Runs that ended here.", "workflow", "ending")
        self._refused = _counter(
            registry, "runs_refused", "Requests not taken: too much waits.", "workflow", "why"
        )
        self._failures = _counter(registry, "run_failures", "Failed runs by error.", "workflow", "error")
        self._seconds = _seconds(registry, "run", "From request to end.", RUN_SECONDS, "workflow")
        self._waited = _seconds(registry, "run_wait", "From request to start.", RUN_SECONDS)
        self._calls = _counter(registry, "model_calls", "Calls to models.", "model", "purpose", "outcome")
        self._call_seconds = _seconds(registry, "model_call", "Of calls to models.", CALL_SECONDS, "model")
        self._dollars = _counter(
            registry, "cost_dollars", "Dollars, as in the ledger.", "workflow", "purpose", "model"
        )
        self._tokens = _counter(registry, "tokens", "Tokens used.", "workflow", "model", "direction")
        self._requests = _counter(registry, "slack_requests", "What Slack sent.", "kind", "outcome")
        self._ack = _seconds(
            registry, "slack_ack", "Until Slack's request was answered.", ACK_SECONDS, "kind"
        )
        self._slack = _counter(registry, "slack_calls", "Calls of Slack's Web API.", "method", "outcome")
        self._messages = _counter(
            registry, "messages", "Attempts to bring a message to Slack.", "kind", "outcome"
        )
        self._queued = _gauge(registry, "queue_runs", "Runs that are due and wait for a worker.")
        self._queue_age = _gauge(registry, "queue_age_seconds", "How long the oldest of them has waited.")
        self._running = _gauge(registry, "running_runs", "Runs that a worker holds.")
        self._outbox = _gauge(registry, "outbox_messages", "Messages that are due and not posted.")
        self._outbox_age = _gauge(registry, "outbox_age_seconds", "How long the oldest of them has waited.")
        self._workers = _gauge(registry, "workers", "Processes with a worker that were heard lately.")

    def __call__(self, happening: Happening) -> None:
        """Count it."""
        match happening:
            case RunEnded():
                self._run_ended(happening)
            case RunRefused(workflow=workflow, why=why):
                self._refused.labels(workflow, why).inc()
            case ModelCalled():
                self._called(happening)
            case RequestTaken(kind=kind, outcome=outcome, seconds=seconds):
                self._requests.labels(kind, outcome).inc()
                self._ack.labels(kind).observe(seconds)
            case SlackCalled(method=method, outcome=outcome):
                self._slack.labels(method, outcome).inc()
            case MessageTried(kind=kind, outcome=outcome):
                self._messages.labels(kind, outcome).inc()

    def _run_ended(self, run: RunEnded) -> None:
        self._runs.labels(run.workflow, run.ending).inc()
        self._seconds.labels(run.workflow).observe(run.seconds)
        self._waited.observe(run.waited_s)
        if run.failure:
            self._failures.labels(run.workflow, run.failure).inc()

    def _called(self, call: ModelCalled) -> None:
        entry = call.entry
        self._calls.labels(entry.model, entry.purpose, entry.outcome).inc()
        self._call_seconds.labels(entry.model).observe(entry.seconds)
        if entry.cost_usd:
            self._dollars.labels(call.workflow, entry.purpose, entry.model).inc(float(entry.cost_usd))
        self._tokens.labels(call.workflow, entry.model, "input").inc(entry.input_tokens)
        self._tokens.labels(call.workflow, entry.model, "output").inc(entry.output_tokens)

    def page(self, backlog: Backlog | None) -> bytes:
        """Everything in Prometheus' text format; without a backlog, gauges of the database are `NaN`."""
        unknown = float("nan")
        self._queued.set(backlog.queued if backlog else unknown)
        self._queue_age.set(backlog.queue_age_s if backlog else unknown)
        self._running.set(backlog.running if backlog else unknown)
        self._outbox.set(backlog.unsent if backlog else unknown)
        self._outbox_age.set(backlog.unsent_age_s if backlog else unknown)
        self._workers.set(backlog.workers if backlog else unknown)
        return generate_latest(self._registry)


def _counter(registry: CollectorRegistry, name: str, about: str, *labels: str) -> Counter:
    return Counter(f"spanwise_{name}", about, labels, registry=registry)


def _gauge(registry: CollectorRegistry, name: str, about: str) -> Gauge:
    return Gauge(f"spanwise_{name}", about, registry=registry)


def _seconds(
    registry: CollectorRegistry, name: str, about: str, bounds: tuple[float, ...], *labels: str
) -> Histogram:
    return Histogram(
        f"spanwise_{name}_seconds", f"Seconds. {about}", labels, buckets=bounds, registry=registry
    )
