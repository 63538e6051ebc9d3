"""Evaluations: the cases of a workflow tried on one set of versions, or on two side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.adapters.llm import Models
from bot.adapters.store import audit_log, evaluations_log, outbox_log
from bot.adapters.store.database import Store
from bot.adapters.store.evaluations_log import DONE, FAILED, RUNNING, STOPPED, NewEvaluation
from bot.adapters.store.versions_log import PRODUCTION
from bot.governance.budget import Spender
from bot.quality.evaluation import EvaluationReport, Trial
from bot.quality.evaluators import Similarity
from bot.services import opaque_ids
from bot.services.billing import Billing
from bot.services.catalogue import Catalogue
from bot.services.contents import Content
from bot.services.evaluation_material import Asked, Limits, Material, Rows, read_material
from bot.services.evaluation_notes import notes_of
from bot.services.golden_cases import GoldenCases
from bot.services.readers import TERMINAL, Audience
from bot.services.spending import Account, Purse, Tally
from bot.services.staging import CARD
from bot.services.trials import SharedRetriever, Side, Trials
from bot.services.voted_down import try_again
from workflows.ports import Clock, Retriever
from workflows.run import Answer

if TYPE_CHECKING:
    from bot.services.holdings import Holdings
    from bot.services.rehearsing import Rehearsal

PROPOSED = "proposed"
"""Label of an evaluation whose new side nobody has released."""

Key = tuple[str, str]
"""Of a trial: its row and its side."""

OnProgress = Callable[[int, int], None]
"""Trials done, trials in all."""


class UnknownEvaluation(Exception):
    """No evaluation with a report has that id."""

    def __init__(self, evaluation_id: str) -> None:
        super().__init__(evaluation_id)
        self.facts = {"evaluation": evaluation_id}


class Evaluations:
    """Tries cases out and keeps the reports, for callers that have asked who may."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        models: Models,
        holdings: "Holdings",
        clock: Clock,
        billing: Billing,
        golden: GoldenCases,
        similarity: Similarity,
        limits: Limits | None = None,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._models = models
        self._holdings = holdings
        self._clock = clock
        self._billing = billing
        self._golden = golden
        self._similarity = similarity
        self.limits = limits or Limits()

    async def compare(
        self,
        workflow: str,
        contents: Sequence[Content] = (),
        *,
        by: str,
        subject: str,
        on_progress: OnProgress | None = None,
        label: str = PRODUCTION,
        knowledge: "Rehearsal | None" = None,
    ) -> EvaluationReport:
        """Golden cases and answers voted down, on what is live and on proposed contents over it.

        With `knowledge`, the same versions on live knowledge and on that, and recent questions it concerns.
        Without contents, what is live in production beside what the label stands for. A workflow that is
        only proposed has one side. Raises UnknownWorkflow, InvalidWorkflow, InvalidPrompt, UnknownTable,
        InvalidProfiles, InvalidCases, UnknownAlias.
        """
        asked = Asked(opaque_ids.evaluation_id(), workflow, subject, label, by)
        return await self.carry_out(asked, contents, on_progress=on_progress, knowledge=knowledge)

    async def evaluate(
        self,
        workflow: str,
        *,
        by: str,
        label: str = PRODUCTION,
        subject: str = "command",
        on_progress: OnProgress | None = None,
    ) -> EvaluationReport:
        """Golden cases and answers voted down, on one side. Raises as `compare`."""
        asked = Asked(opaque_ids.evaluation_id(), workflow, subject, label, by)
        return await self.carry_out(asked, has_two_sides=False, on_progress=on_progress)

    async def report(self, evaluation_id: str) -> EvaluationReport:
        """One report. Raises UnknownEvaluation."""
        row = await self._store.read(
            lambda connection: evaluations_log.read_evaluation(connection, evaluation_id)
        )
        if row is None or not row.report:
            raise UnknownEvaluation(evaluation_id)
        return EvaluationReport.from_json(row.report)

    async def latest(self, workflow: str, *, label: str = PRODUCTION) -> EvaluationReport | None:
        """The newest report on what a label stands for; proposals that were tried out do not count."""
        return await self._store.read(lambda connection: self.latest_in(connection, workflow, label=label))

    def latest_in(
        self, connection: Connection, workflow: str, *, label: str = PRODUCTION
    ) -> EvaluationReport | None:
        """As `latest`, within the caller's transaction."""
        row = evaluations_log.latest_evaluation(connection, workflow, label=label)
        return EvaluationReport.from_json(row.report) if row is not None else None

    async def carry_out(
        self,
        asked: Asked,
        contents: Sequence[Content] = (),
        *,
        has_two_sides: bool = True,
        on_progress: OnProgress | None = None,
        knowledge: "Rehearsal | None" = None,
    ) -> EvaluationReport:
        """An evaluation from its beginning to its report. Raises as `compare`; may be cancelled."""
        begun_at = self._clock.now()
        material = await self._store.read(
            lambda connection: read_material(
                connection,
                self._catalogue,
                self._golden,
                asked,
                contents,
                has_two_sides=has_two_sides,
                limits=self.limits,
                knowledge=knowledge,
            )
        )
        await self._store.write(
            lambda connection: self._begin(
                connection, asked, material, is_proposed=bool(contents or knowledge)
            )
        )
        purse, judging, rows = Purse(self.limits.cap_usd), Tally(), Rows(material)
        finish = partial(self._finish, asked, rows, purse, judging, begun_at)
        try:
            await self._try_all(asked, material, purse, judging, rows, on_progress, knowledge)
        except asyncio.CancelledError:
            await asyncio.shield(finish(STOPPED))
            raise
        except BaseException:
            await asyncio.shield(finish(FAILED))
            raise
        return await finish(DONE)

    def _begin(self, connection: Connection, asked: Asked, material: Material, *, is_proposed: bool) -> None:
        self._billing.look(connection)
        baseline = dict(material.old.pins) if material.old else {}
        candidate = dict(material.new.pins)
        if asked.fence:
            evaluations_log.begin_evaluation(connection, asked.id, baseline, candidate)
        else:
            label = PROPOSED if is_proposed else asked.label
            begun = NewEvaluation(
                asked.id, asked.workflow, asked.subject, label, asked.by, RUNNING, baseline, candidate
            )
            evaluations_log.insert_evaluation(connection, begun, self._clock.now())
        self._note(connection, asked, "evaluation.begun", {"subject": asked.subject})

    async def _try_all(
        self,
        asked: Asked,
        material: Material,
        purse: Purse,
        judging: Tally,
        rows: Rows,
        on_progress: OnProgress | None,
        knowledge: "Rehearsal | None",
    ) -> None:
        sides = {
            name: Side.of(pinned, self._models)
            for name, pinned in (("old", material.old), ("new", material.new))
            if pinned is not None
        }
        payer = self._billing.payer(Spender(asked.workflow, asked.by), asked.id)
        trials = Trials(
            models=self._models,
            account=Account(self._models, purse, payer.record, asked.id, payer),
            clock=self._clock,
            similarity=self._similarity,
            paths=material.paths,
            closed=material.closed,
            judge_profiles=material.judge_profiles,
            judging=judging,
        )
        # what is loaded at first use would count against whichever case came first
        await asyncio.gather(self._models.warm_up(), self._holdings.warm())
        spoken: dict[Key, Answer] = {}
        jobs = self._jobs(trials, sides, material, knowledge, spoken)
        at_once = self.limits.concurrency
        if not any(side.writes for side in sides.values()):
            at_once = min(at_once, self.limits.local_concurrency)
        await try_jobs(jobs, rows.trials, at_once, on_progress)
        if knowledge:
            rows.set_beside(spoken)

    def _jobs(
        self,
        trials: Trials,
        sides: Mapping[str, Side],
        material: Material,
        knowledge: "Rehearsal | None",
        spoken: dict[Key, Answer],
    ) -> list[tuple[Key, Callable[[], Awaitable[Trial]]]]:
        """Both sides of a case beside each other, so that a cap that is reached leaves whole rows."""
        open_to_all = self._retrievers(TERMINAL, material, knowledge)
        jobs: list[tuple[Key, Callable[[], Awaitable[Trial]]]] = []
        for case in material.cases:
            for name, side in sides.items():
                key = (f"case:{case.id}", name)
                heard = partial(spoken.__setitem__, key)
                jobs.append((key, partial(trials.case, side, open_to_all[name], case, heard)))
        for run in (*material.complaints, *material.citing):
            readers = self._retrievers(run.audience, material, knowledge)
            for name, side in sides.items():
                key = (f"run:{run.run_id}", name)
                heard = partial(spoken.__setitem__, key)
                jobs.append((key, partial(try_again, trials, side, readers[name], run, heard)))
        return jobs

    def _retrievers(
        self, audience: Audience, material: Material, knowledge: "Rehearsal | None"
    ) -> Mapping[str, Retriever]:
        """What each side searches: the same, unless it is the knowledge that changes."""
        live = SharedRetriever(self._holdings.retriever(audience, material.revisions))
        if knowledge is None:
            return {"old": live, "new": live}
        return {"old": live, "new": knowledge.retriever(audience, material.revisions)}

    async def _finish(
        self, asked: Asked, rows: Rows, purse: Purse, judging: Tally, begun_at: datetime, status: str
    ) -> EvaluationReport:
        old, new = rows.material.old, rows.material.new
        found = rows.rows()
        report = EvaluationReport(
            id=asked.id,
            workflow=asked.workflow,
            subject=asked.subject,
            asked_by=asked.by,
            created_at=begun_at,
            finished_at=self._clock.now(),
            new_versions=new.pins,
            rows=found,
            old_versions=old.pins if old else None,
            judge_cost_usd=judging.cost_usd,
            cap_usd=self.limits.cap_usd,
            notes=notes_of(found, cap=purse, is_stopped=status != DONE),
        )

        def act(connection: Connection) -> None:
            kept = evaluations_log.finish_evaluation(
                connection,
                asked.id,
                fence=asked.fence,
                status=status,
                report=report.as_json(),
                cost_usd=report.cost_usd,
                at=report.finished_at,
            )
            if kept:
                context = {
                    "status": status,
                    "passed": str(report.passed),
                    "failing": str(len(report.failing)),
                }
                self._note(connection, asked, "evaluation.finished", context)
                # the readiness card of the workflow shows how its cases came out
                outbox_log.redraw(connection, f"{CARD}:{asked.workflow}")

        await self._store.write(act)
        return report

    def _note(self, connection: Connection, asked: Asked, action: str, context: Mapping[str, str]) -> None:
        audit_log.append_event(
            connection,
            actor=asked.by,
            action=action,
            target=f"workflow:{asked.workflow}",
            context={"evaluation": asked.id, **context},
            at=self._clock.now(),
        )


async def try_jobs(
    jobs: Sequence[tuple[Key, Callable[[], Awaitable[Trial]]]],
    found: dict[Key, Trial],
    at_once: int,
    on_progress: OnProgress | None,
) -> None:
    """Carry jobs out in their order, so many at a time; the first unforeseen error stops them all."""
    waiting = iter(jobs)

    async def take() -> None:
        for key, work in waiting:
            found[key] = await work()
            if on_progress is not None:
                on_progress(len(found), len(jobs))

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(at_once, len(jobs))):
                tasks.create_task(take())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
