"""Whether a cheaper model has shown, in an evaluation, that it does for a workflow."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from bot.adapters.store.evaluations_log import DONE, evaluations
from bot.quality.evaluation import EvaluationReport

LOOK_BACK = 20
"""Evaluations of the workflow, newest first, among which to look for one with that model."""


@dataclass(slots=True)
class CheaperModels:
    """Answers from the stored reports; a verdict holds until the workflow is evaluated again."""

    _known: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)

    def is_proven(self, connection: Connection, workflow: str, model: str) -> bool:
        """Whether the last evaluation that ran on this model passed."""
        ids = select(evaluations.c.id).where(evaluations.c.workflow == workflow, evaluations.c.status == DONE)
        ids = ids.order_by(evaluations.c.finished_at.desc(), evaluations.c.id.desc()).limit(LOOK_BACK)
        found = tuple(connection.execute(ids).scalars())
        newest = found[0] if found else ""
        known = self._known.get((workflow, model))
        if known is None or known[0] != newest:
            known = self._known[workflow, model] = (newest, _judge(connection, found, model))
        return known[1]


def _judge(connection: Connection, ids: tuple[str, ...], model: str) -> bool:
    for evaluation_id in ids:
        row = connection.execute(
            select(evaluations.c.report).where(evaluations.c.id == evaluation_id)
        ).scalar_one()
        report = EvaluationReport.from_json(row)
        if ran_on(report) == {model}:
            return has_passed(report)
    return False


def ran_on(report: EvaluationReport) -> set[str]:
    """The models that answered on the new side."""
    return {row.new.model for row in report.rows if row.new.model}


def has_passed(report: EvaluationReport) -> bool:
    """Whether cases were judged, all of them, and none fails that a dearer model would have passed."""
    worse = report.is_failing if report.has_two_sides else bool(report.failing)
    return report.is_complete and report.judged > 0 and not worse
