from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.store import document_log
from bot.adapters.store.database import Store
from bot.adapters.store.run_leases import Held, claim_runs
from bot.governance.roles import Role
from bot.services.access import OPERATOR
from bot.services.actors import Actor, Origin
from bot.services.billing import Billing
from bot.services.budget_notices import BudgetNotices
from bot.services.catalogue import Catalogue, Content
from bot.services.closed_collections import is_closed
from bot.services.execution import Execution
from bot.services.readers import TERMINAL, Audience
from bot.services.runs import Runs
from tests.bot.run_desk import ANA, DEV, Desk
from tests.fakes import FakeModel, FakeRetriever, passage
from workflows.ports import LostLease, Model, ModelUnavailable, Retriever, UnknownCollection
from workflows.run import RunStatus

WORKFLOW = """
name: ask-policy
title: Ask the people handbook
purpose: Answers from the handbook.
inputs:
  question: {kind: text, label: Your question}
steps:
  - {id: find, kind: retrieve, collection: people, query: "{{ inputs.question }}"}
  - {id: answer, kind: prompt, task: answer, template: ask, passages: find, question: "{{ inputs.question }}"}
answer: "VERSION: {{ answer.text }}"
"""


@dataclass
class FakeModels:
    """Binds one fake model, and records a ledger entry for each call it answers."""

    model: FakeModel
    bound: list[str] = field(default_factory=list)

    def bind(
        self,
        record: Callable[[LedgerEntry], Awaitable[None]],
        *,
        run_id: str = "",
        profiles_text: str = "",
        payer: object = None,
    ) -> Model:
        self.bound.append(run_id)
        models = self

        class Recording:
            async def complete(self, request, on_text=None):  # type: ignore[no-untyped-def]
                reply = await models.model.complete(request, on_text)
                at = datetime.now(UTC)
                cost = Decimal("0.0012")
                await record(
                    LedgerEntry(run_id, request.step_id, "answer", "default", "m", 10, 5, cost, at, 0.1, "ok")
                )
                return reply

        return Recording()


@dataclass
class FakeHoldings:
    """One retriever for everybody; keeps for whom it was asked."""

    bound: list[tuple[Audience, dict[str, int]]] = field(default_factory=list)
    error: Exception | None = None

    def retriever(self, audience: Audience, revisions: dict[str, int] | None = None) -> Retriever:
        self.bound.append((audience, dict(revisions or {})))
        return FakeRetriever(passage(1), error=self.error)


@pytest.fixture
async def desk(store: Store) -> Desk:
    desk = await Desk(store).open()
    row = document_log.CollectionRow("people", ("everyone",), 7, "m", 3)
    store.write_now(lambda c: document_log.insert_collection(c, row, now=desk.clock.now()))
    desk.catalogue = Catalogue(store, desk.access, desk.clock)  # type: ignore[attr-defined]
    await release(desk, "one")
    desk.models = FakeModels(FakeModel("Five days [1].", "Five days [1]."))  # type: ignore[attr-defined]
    desk.holdings = FakeHoldings()  # type: ignore[attr-defined]
    billing = Billing(store, desk.clock, BudgetNotices(desk.access), desk.outgoing)
    desk.perform = Execution(  # type: ignore[assignment]
        store, desk.catalogue, desk.models, desk.holdings, desk.clock, billing, desk.access
    )
    desk.runs = Runs(store, desk.catalogue, desk.access, desk.clock, desk.queue, desk.outgoing)  # type: ignore
    return desk


async def release(desk: Desk, version: str) -> None:
    prompt = Content("prompt", "ask", "Answer {{ question }} from {{ passages }}.")
    workflow = Content("workflow", "ask-policy", WORKFLOW.replace("VERSION", version))
    await desk.catalogue.seed([prompt, workflow])  # type: ignore[attr-defined]


async def test_a_whole_run(desk: Desk) -> None:
    run_id = await desk.ask()
    await desk.worker().drain()
    explanation = await desk.runs.explain(ANA, run_id)
    run = explanation.run
    assert run.failure is None
    assert run.answer is not None
    assert run.answer.text == "one: Five days [1]."
    assert [citation.passage.chunk_id for citation in run.answer.citations] == ["c1"]
    assert run.pins == {
        "workflow": {"ask-policy": 1},
        "prompt": {"ask": 1},
        "parameters": {},
        "rules": {},
        "models": {},
        "knowledge": {"people": 7},
    }
    assert [step.step_id for step in explanation.steps] == ["find", "answer"]
    assert [(call.run_id, call.step_id) for call in explanation.calls] == [(run_id, "answer")]
    assert run.usage.cost_usd == Decimal("0.0012")
    assert desk.holdings.bound == [(Audience.of(ANA, run.origin), {"people": 7})]  # type: ignore[attr-defined]


async def test_a_resumed_run_keeps_its_versions_and_what_it_paid_for(desk: Desk) -> None:
    desk.models.model.replies = [LostLease("dies"), "Five days [1]."]  # type: ignore[attr-defined]
    run_id = await desk.ask()
    rows = await desk.store.write(lambda c: claim_runs(c, owner="dies", lease_s=15, limit=1))
    held = Held(run_id, rows[0].fence, rows[0].owner)
    with pytest.raises(LostLease):
        await desk.perform(rows[0], held, lambda _: None)
    await release(desk, "two")
    desk.expire()
    await desk.worker().drain()
    run = await desk.runs.view(run_id)
    assert run.answer is not None
    assert run.answer.text == "one: Five days [1]."
    assert run.version == 1
    assert desk.sql("SELECT step_id, fence FROM steps ORDER BY fence") == [("find", 1), ("answer", 2)]
    newer = await desk.ask("k2")
    await desk.worker().drain()
    assert (await desk.runs.view(newer)).version == 2


async def test_the_terminal_reads_everything(desk: Desk) -> None:
    await desk.ask(origin=Origin("terminal"))
    await desk.worker().drain()
    assert desk.holdings.bound[0][0] == TERMINAL  # type: ignore[attr-defined]


async def test_a_model_that_cannot_be_reached(desk: Desk) -> None:
    desk.models.model.replies = [ModelUnavailable("default", tried="a, b")]  # type: ignore[attr-defined]
    run_id = await desk.ask()
    await desk.worker().drain()
    run = await desk.runs.view(run_id)
    assert run.status is RunStatus.FAILED
    assert run.failure is not None
    assert run.failure.kind == "ModelUnavailable"
    assert run.failure.token


CALLING = """
name: ask-twice
title: Ask through another
purpose: Has another workflow answer.
inputs:
  question: {kind: text, label: Your question}
steps:
  - {id: inner, kind: call, workflow: ask-policy, inputs: {question: "{{ inputs.question }}"}}
answer: "{{ inner.text }}"
"""


@pytest.mark.parametrize(
    ("owner", "workflow", "ask"),
    [
        ("", "ask-policy", "U0DEV"),
        ("U0CHLOE", "ask-policy", "U0CHLOE,U0DEV"),
        ("U0ANA", "ask-policy", "U0DEV"),
        ("U0CHLOE", "ask-twice", "U0CHLOE,U0DEV"),
    ],
)
async def test_a_closed_collection_is_stated_with_whom_to_ask_and_is_no_error(
    desk: Desk, owner: str, workflow: str, ask: str
) -> None:
    await desk.catalogue.seed([Content("workflow", "ask-twice", CALLING)])  # type: ignore[attr-defined]
    if owner:
        await desk.access.grant(DEV, owner, Role.OWNER, f"workflow:{workflow}")
    desk.holdings.error = UnknownCollection("people")  # type: ignore[attr-defined]
    run_id = await desk.ask(workflow=workflow)
    with capture_logs() as lines:
        await desk.worker().drain()
    view = await desk.runs.view(run_id)
    assert view.failure is not None and is_closed(view.failure)
    assert (view.failure.facts["collection"], view.failure.facts["ask"]) == ("people", ask)
    assert {line["log_level"] for line in lines} <= {"info"}
    (line,) = (line for line in lines if line["event"] == "run.failed")
    assert (line["run"], line["token"]) == (run_id, view.failure.token)


async def test_whoever_runs_it_at_the_machine_is_told_of_no_owner(desk: Desk) -> None:
    desk.holdings.error = UnknownCollection("people")  # type: ignore[attr-defined]
    run_id = await desk.ask(actor=Actor(OPERATOR), origin=Origin("terminal"))
    await desk.worker().drain()
    failure = (await desk.runs.view(run_id)).failure
    assert failure is not None and "ask" not in failure.facts
