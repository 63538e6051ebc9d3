"""A desk with runs that were answered, people who vote, and owners who decide."""

from typing import Any

from bot.adapters.store import audit_log, outbox_log, triage_log
from bot.adapters.store.database import Store
from bot.adapters.store.triage_log import TriageItem
from bot.governance.roles import Role
from bot.services.catalogue import Catalogue, Content
from bot.services.complaints import Complaints
from bot.services.feedback import Feedback
from bot.services.runs import Runs
from tests.bot.run_desk import ANA, DEV, Desk
from tests.fakes import FakePerform
from workflows.run import Answer, RunResult, RunStatus

OWNER = "U0CHLOE"

WORKFLOW = """
name: ask-policy
title: Ask the people handbook
purpose: Answers questions about leave and expenses from the handbook.
inputs:
  question: {kind: text, label: Your question, max_length: 2000, from: message}
steps:
  - {id: find, kind: retrieve, collection: people, query: "{{ inputs.question }}"}
  - {id: answer, kind: prompt, task: answer, template: ask-policy.answer, passages: find,
     variables: {question: "{{ inputs.question }}"}}
answer: "{{ answer.text }}"
"""
PROMPT = "---\nvariables: [question]\n---\nAnswer: {{ question }}\n"


class FeedbackDesk(Desk):
    """`ask-policy` with an owner, and answers to be unhappy with."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, FakePerform(self._answer))
        self.says = "Five days."
        self.catalogue = Catalogue(store, self.access, self.clock)
        self.runs = Runs(store, self.catalogue, self.access, self.clock, self.queue, self.outgoing)
        self.feedback = Feedback(store, self.clock, Complaints(self.access), self.outgoing)

    async def _answer(self, row: Any, _held: Any, _on_progress: Any) -> RunResult:
        return RunResult(RunStatus.SUCCEEDED, Answer(self.says, "covered"), ())

    async def open(self) -> "FeedbackDesk":
        """Everybody may run, and one person owns the workflow."""
        await self.catalogue.seed(
            [Content("prompt", "ask-policy.answer", PROMPT), Content("workflow", "ask-policy", WORKFLOW)]
        )
        await super().open()
        await self.access.grant(DEV, OWNER, Role.OWNER, "workflow:ask-policy")
        return self

    async def answered(self, key: str = "k1", **changes: Any) -> str:
        """A run with its answer; its id."""
        run_id = await self.ask(key, **changes)
        await self.worker().drain()
        return run_id

    async def voted_down(self, key: str = "k1", actor: Any = ANA, **changes: Any) -> str:
        """A run that its asker voted down."""
        run_id = await self.answered(key, actor=actor, **changes)
        await self.feedback.record(actor, run_id, "down")
        return run_id

    def item(self, run_id: str) -> TriageItem | None:
        """How it stands with the owners."""
        return self.store.read_now(lambda connection: triage_log.find_item(connection, run_id))

    def events(self, run_id: str) -> list[str]:
        """What the audit says of a run since it ended, oldest first."""
        found = self.store.read_now(
            lambda connection: audit_log.read_events(connection, target=f"run:{run_id}")
        )
        return [event.action for event in reversed(found) if not event.action.startswith("run.")]

    def queued(self, kind: str) -> list[Any]:
        """Messages of a kind that were ever queued, oldest first."""
        table = outbox_log.outbox
        return self.store.read_now(
            lambda connection: list(
                connection.execute(table.select().where(table.c.kind == kind).order_by(table.c.seq))
            )
        )
