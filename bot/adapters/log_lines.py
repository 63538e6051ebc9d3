"""What happened as log lines: one for each request, run, call to a model and message."""

import logging

import structlog

from bot.adapters.observing import Happening, MessageTried, ModelCalled, RequestTaken, RunEnded, SlackCalled

log = structlog.get_logger(__name__)
_level = logging.getLogger(__name__)


def write_line(happening: Happening) -> None:
    """A listener. What happens often in one run, its steps and redrawn messages, is for DEBUG."""
    if not _level.isEnabledFor(logging.INFO):
        return
    match happening:
        case RequestTaken(kind=kind, name=name, outcome=outcome, seconds=seconds):
            log.info("request.answered", kind=kind, name=name, outcome=outcome, seconds=round(seconds, 4))
        case RunEnded():
            _write_run(happening)
        case ModelCalled():
            _write_call(happening)
        case SlackCalled(method=method, outcome=outcome):
            log.debug("slack.called", method=method, outcome=outcome)
        case MessageTried(item_id=item_id, kind=kind, run_id=run_id, outcome=outcome, seconds=seconds):
            write = log.debug if outcome == "updated" else log.info
            write(
                "message.tried",
                message=item_id,
                kind=kind,
                run=run_id,
                outcome=outcome,
                seconds=round(seconds, 3),
            )


def _write_run(run: RunEnded) -> None:
    for step in run.steps:
        log.debug(
            "step.ended",
            run=run.run_id,
            step=step.step_id,
            kind=step.kind,
            status=step.status.value,
            seconds=round((step.finished_at - step.started_at).total_seconds(), 3),
        )
    log.info(
        "run.ended",
        run=run.run_id,
        workflow=run.workflow,
        version=run.version,
        ending=run.ending,
        failure=run.failure,
        seconds=round(run.seconds, 3),
        waited_s=round(run.waited_s, 3),
    )


def _write_call(call: ModelCalled) -> None:
    entry = call.entry
    log.info(
        "model.called",
        run=entry.run_id,
        step=entry.step_id,
        workflow=call.workflow,
        purpose=entry.purpose,
        model=entry.model,
        outcome=entry.outcome,
        seconds=entry.seconds,
        input_tokens=entry.input_tokens,
        output_tokens=entry.output_tokens,
        cost_usd=f"{entry.cost_usd:f}",
    )
