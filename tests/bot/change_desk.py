"""A desk at which tests of change requests meet: real catalogue, knowledge and grants, scripted cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.versions_log import find_labelled
from bot.governance.changes import POLICIES, Policy, Target
from bot.governance.roles import Role
from bot.quality.evaluation import EvaluationReport, ReportRow, Standing, Trial
from bot.services.access import Access
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Catalogue, Content
from bot.services.change_proposals import Ways
from bot.services.change_requests import Changes
from bot.services.change_work import ChangeWork, Listener
from bot.services.holdings import Holdings
from bot.services.targets import Targets
from knowledge.embedding import Embedder
from tests.fakes import FakeClock

ANA, BEN, CLEO = Actor("U0ANA", "Ana"), Actor("U0BEN", "Ben"), Actor("U0CLEO", "Cleo")
DEV, EVE = Actor("U0DEV", "Dev"), Actor("U0EVE", "Eve")
"""Ana and Eve edit, Ben and Cleo approve, Dev is the admin of the settings."""

HERE = Origin("command", "T0SPAN", "C0PEOPLE")

WORKFLOW = """
name: ask-policy
title: Ask the handbook
purpose: Answers questions about leave.
inputs:
  question: {kind: text, label: Your question}
  amount: {kind: number, label: Amount, default: 0}
parameters:
  passages: {kind: integer, default: 6, min: 1, max: 20, help: How many passages to read.}
steps:
  - id: find
    kind: retrieve
    collection: people
    query: "{{ inputs.question }}"
    limit: "{{ parameters.passages }}"
  - id: route
    kind: decide
    rules:
      - {when: inputs.amount > 5000, then: manager, because: Large amounts go to a manager.}
      - {otherwise: self, because: Small amounts need nobody.}
  - id: say
    kind: prompt
    task: answer
    template: ask-policy.answer
    passages: find
    question: "{{ inputs.question }}"
answer:
  manager: "{{ say.text }}"
  self: "{{ say.text }}"
"""
PROMPT = (
    "Answer the question from the passages.\n\nQuestion: {{ question }}\n\nBe brief and promise a date.\n"
)
FRIENDLIER = PROMPT.replace("promise a date", "never promise a date")
MODELS = "default:\n  model: spanwise/quote\n"

ANSWER = Target("prompt", "ask-policy.answer")
VALUES = Target("parameters", "ask-policy")
ROUTE = Target("rules", "ask-policy/route")
TRAVEL = Target("document", "people/travel.md")


def report(
    workflow: str, *, failing: Sequence[str] = (), passing: int = 4, subject: str = ""
) -> EvaluationReport:
    """Cases of which some pass on both sides and some fail on the new one only."""
    at = FakeClock().now()
    good = Trial(Standing.PASSED, cost_usd=Decimal("0.002"), seconds=1.2)
    bad = Trial(Standing.FAILED, cost_usd=Decimal("0.003"), seconds=1.9)
    rows = [ReportRow(f"case-{number}", "file", good, good) for number in range(1, passing + 1)]
    rows += [ReportRow(name, "file", bad, good) for name in failing]
    return EvaluationReport(
        id="e_test", workflow=workflow, subject=subject, asked_by="U0ANA", created_at=at, finished_at=at,
        new_versions={}, rows=tuple(rows), old_versions={},
    )  # fmt: skip


@dataclass
class FakeComparer:
    """Gives the reports it is told to; keeps what it was asked."""

    failing: tuple[str, ...] = ()
    passing: int = 4
    error: Exception | None = None
    asked: list[tuple[str, tuple[Content, ...]]] = field(default_factory=list)

    async def compare(
        self, workflow: str, contents: Sequence[Content], *, by: str, subject: str, label: str, **_rest: Any
    ) -> EvaluationReport:
        self.asked.append((workflow, tuple(contents)))
        if self.error is not None:
            raise self.error
        return report(workflow, failing=self.failing, passing=self.passing, subject=subject)


class ChangeDesk:
    """Everything, put together."""

    def __init__(
        self, store: Store, folder: Path, *, policies: Mapping[Any, Policy] | None = None, **ways: Any
    ) -> None:
        self.store = store
        self.folder = folder
        self.clock = FakeClock()
        self.outgoing, self.bell = WakeUp(), WakeUp()
        self.access = Access(store, self.clock, ["U0DEV"])
        self.catalogue = Catalogue(store, self.access, self.clock)
        self.holdings = Holdings(store, folder, self.clock, embedder=Embedder.load())
        self.targets = Targets(self.catalogue, self.access, self.holdings, self.clock)
        found = Ways({**POLICIES, **(policies or {})}, **ways)
        self.changes = Changes(store, self.targets, self.clock, self.outgoing, self.bell, found)
        self.comparer = FakeComparer()
        self.heard: list[str] = []

    async def open(self, *, documents: Mapping[str, str] | None = None) -> "ChangeDesk":
        """Release the workflow and give out the roles."""
        await self.catalogue.seed(
            [
                Content("prompt", "ask-policy.answer", PROMPT),
                Content("workflow", "ask-policy", WORKFLOW),
                Content("models", "models", MODELS),
            ]
        )
        for person, role in (
            (ANA, Role.EDITOR),
            (EVE, Role.EDITOR),
            (BEN, Role.APPROVER),
            (CLEO, Role.APPROVER),
        ):
            await self.access.grant(DEV, person.id, role)
        for path, text in (documents or {}).items():
            folder = self.folder_of(path)
            folder.write_text(text, encoding="utf-8")
            await self.holdings.add(folder, "people", source=f"file {path}")
        return self

    def folder_of(self, path: str) -> Path:
        place = self.folder / "shelf"
        place.mkdir(exist_ok=True)
        return place / path

    def work(self, *listeners: Listener) -> ChangeWork:
        """A worker's loop."""
        return ChangeWork(
            self.store, self.changes, self.comparer, self.clock, self.outgoing, self.bell, listeners
        )

    async def tested(self, actor: Actor = ANA, target: Target = ANSWER, content: str = FRIENDLIER) -> str:
        """Propose and test; the id."""
        view = await self.changes.propose(actor, target, content, origin=HERE)
        await self.work().drain()
        return view.id

    async def applied(self, content: str = FRIENDLIER, target: Target = ANSWER) -> str:
        """Propose, test and approve; the id."""
        change = await self.tested(content=content, target=target)
        await self.changes.approve(BEN, change)
        await self.work().drain()
        return change

    async def status(self, change: str) -> str:
        return (await self.changes.view(change)).status.value

    def live(self, target: Target = ANSWER) -> str | None:
        """The text that production points at."""
        found = self.store.read_now(lambda connection: find_labelled(connection, target.kind, target.name))
        return found.content if found else None

    def events(self, change: str) -> list[str]:
        """Actions of a change's audit events, oldest first."""
        found = self.store.read_now(
            lambda connection: audit_log.read_events(connection, target=f"change:{change}", limit=500)
        )
        return [event.action for event in reversed(found)]
