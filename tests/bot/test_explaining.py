"""What is known of a workflow and of a run when it is explained, and to whom, on each database."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update

from bot.adapters.queue.wakeup import EmbeddedQueue, WakeUp
from bot.adapters.store import run_log
from bot.adapters.store.database import Store
from bot.adapters.store.document_log import CollectionRow, DocumentRow, insert_collection, put_document
from bot.adapters.store.row_codec import answer_json
from bot.adapters.store.scores import Score, write_score
from bot.adapters.store.stages_log import Standing, lock_standing
from bot.adapters.store.versions_log import insert_version, move_label
from bot.bootstrap import library
from bot.governance.roles import Role
from bot.governance.stages import Stage
from bot.services.access import Access, NotAuthorized, Outsider
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Catalogue, UnknownWorkflow
from bot.services.explaining import Explaining
from bot.services.placement import WorkflowRetired
from bot.services.runs import RunRequest, Runs
from knowledge.document import Document
from tests.fakes import FakeClock
from workflows.run import Answer

ANA, BEN, DEV = Actor("U0ANA", "Ana"), Actor("U0BEN", "Ben"), Actor("U0DEV", "Dev")
STRANGER = Actor("U0WHO", is_outsider=True)
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Desk:
    """The services around an explanation, on one store."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, FakeClock(AT)
        self.access = Access(store, self.clock, ["U0DEV"])
        self.catalogue = Catalogue(store, self.access, self.clock)
        self.runs = Runs(store, self.catalogue, self.access, self.clock, EmbeddedQueue(), WakeUp())
        self.explaining = Explaining(store, self.catalogue, self.access, self.runs, self.clock, None)  # type: ignore[arg-type]

    async def open(self) -> "Desk":
        await self.catalogue.seed(library())
        await self.access.grant(DEV, "U0ANA", Role.RUNNER, "workflow:ask-policy")
        return self

    def release(self, kind: str, name: str, content: str, by: str, *, days: int) -> int:
        """A version that somebody made live some days after the start."""
        at = AT + timedelta(days=days)

        def act(connection: Connection) -> int:
            stored = insert_version(
                connection, kind=kind, name=name, content=content, content_hash=content, author=by, at=at
            )
            move_label(connection, kind=kind, name=name, number=stored.number, by=by, at=at)
            return stored.number

        return self.store.write_now(act)

    async def ran(self, actor: Actor, key: str, *, seconds: float = 1.0, **values: Any) -> str:
        """A run that has ended."""
        request = RunRequest(key, actor, "ask-policy", {"question": "How many days?"}, Origin("terminal"))
        run_id = (await self.runs.accept(request)).run_id
        pins = await self.store.read(lambda connection: self.catalogue.resolve(connection, "ask-policy").pins)
        row = {
            "status": "succeeded",
            "answer": answer_json(Answer("Five days.", "covered")),
            "pins": {**pins, "knowledge": {"people": 0, "other": 9}},
            "finished_at": self.clock.now() + timedelta(seconds=seconds),
            **values,
        }
        table = run_log.runs
        await self.store.write(
            lambda connection: connection.execute(update(table).where(table.c.id == run_id).values(**row))
        )
        return run_id


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store).open()


def collection(desk: Desk, name: str, audience: tuple[str, ...], *documents: Mapping[str, Any]) -> None:
    def act(connection: Connection) -> None:
        insert_collection(connection, CollectionRow(name, audience, 0, "m", 2), now=AT)
        for each in documents:
            values = {"id": each["path"], "collection": name, "owner": "", "version": 1, "content_hash": "h",
                      "text": "t", "title": each["path"], **each}  # fmt: skip
            put_document(connection, DocumentRow(Document(**values), "folder", "h"), ())

    desk.store.write_now(act)


async def test_each_parameter_names_who_set_it_and_when(desk: Desk) -> None:
    desk.release("parameters", "ask-policy", json.dumps({"passages": 8}), "U0BEN", days=1)
    desk.release("parameters", "ask-policy", json.dumps({"passages": 8, "min_support": 0.6}), "U0DEV", days=2)
    explained = await desk.explaining.workflow(ANA, "ask-policy")
    found = {each.name: (each.value, each.set_by, each.set_at) for each in explained.parameters}
    assert found["passages"] == (8, "U0BEN", AT + timedelta(days=1)), "set by Ben, kept by Dev"
    assert found["min_support"] == (0.6, "U0DEV", AT + timedelta(days=2))
    assert found["suggest_support"] == (0.15, "", None)
    first = desk.release("parameters", "ask-policy", json.dumps({"passages": 8}), "U0BEN", days=3)
    assert first == 1, "gone back to the first version"
    explained = await desk.explaining.workflow(ANA, "ask-policy")
    assert {each.name: each.set_by for each in explained.parameters}["min_support"] == ""


async def test_who_released_it_and_who_answers_for_it(desk: Desk) -> None:
    explained = await desk.explaining.workflow(ANA, "ask-policy")
    assert (explained.released_by, explained.released_at) == ("library", AT)
    assert explained.owners == () and explained.ask == ("U0DEV",)
    await desk.access.grant(DEV, "U0BEN", Role.OWNER)
    await desk.access.grant(DEV, "U0ANA", Role.OWNER, "workflow:ask-policy")
    await desk.access.grant(DEV, "U0EVA", Role.OWNER, "workflow:draft-reply")
    assert (await desk.explaining.workflow(ANA, "ask-policy")).owners == ("U0ANA", "U0BEN")


async def test_documents_are_listed_to_those_who_may_read_them(desk: Desk) -> None:
    collection(
        desk, "people", ("U0BEN", "S0HR"),
        {"path": "new.md", "updated_at": AT, "owner": "U0CHLOE"},
        {"path": "old.md", "updated_at": AT - timedelta(days=500)},
    )  # fmt: skip
    (hidden,) = (await desk.explaining.workflow(ANA, "ask-policy")).knowledge
    assert not hidden.is_readable and hidden.documents == ()
    inside = Actor("U0ANA", groups=frozenset({"S0HR"}))
    (shown,) = (await desk.explaining.workflow(inside, "ask-policy")).knowledge
    assert [each.path for each in shown.documents] == ["old.md", "new.md"], "unchanged for longest first"
    assert shown.documents[1].owner == "U0CHLOE" and shown.revision == 2


async def test_the_usual_figures_are_those_of_the_last_thirty_days(desk: Desk) -> None:
    assert (await desk.explaining.workflow(ANA, "ask-policy")).activity.runs == 0
    old = await desk.ran(ANA, "old")
    desk.clock.at += timedelta(days=31)
    good = await desk.ran(ANA, "k1", seconds=2)
    abstained = Answer("I do not know.", "not_covered", abstained=True)
    await desk.ran(ANA, "k2", seconds=4, answer=answer_json(abstained))
    await desk.ran(DEV, "k3", status="failed", answer=None)
    await desk.ran(DEV, "k4", status="cancelled", answer=None)

    def vote(connection: Connection) -> None:
        for run_id, person, value in ((good, "U0ANA", 1), (good, "U0BEN", -1), (old, "U0ANA", -1)):
            write_score(connection, Score(run_id, "vote", f"person:{person}", value), desk.clock.now())

    desk.store.write_now(vote)
    seen = (await desk.explaining.workflow(ANA, "ask-policy")).activity
    assert (seen.runs, seen.people, seen.failed, seen.abstained) == (3, 2, 1, 1)
    assert (seen.up, seen.down) == (1, 1)
    assert seen.seconds == (2.0, 4.0) and seen.last_at == desk.clock.now() + timedelta(seconds=4)


async def test_a_run_is_compared_with_what_is_live_now(desk: Desk) -> None:
    collection(desk, "people", ("everyone",), {"path": "a.md", "updated_at": AT})
    run_id = await desk.ran(ANA, "k1")
    explained = await desk.explaining.run(ANA, run_id)
    assert {each.kind for each in explained.versions} == {"workflow", "prompt", "knowledge"}
    knowledge = [each for each in explained.versions if each.kind == "knowledge"]
    assert [(each.name, each.was, each.now) for each in knowledge] == [("people", 0, 1)], "not one unsearched"
    desk.release("prompt", "ask-policy.answer", "Answer {{ question }} from {{ passages }}.", "U0BEN", days=1)
    explained = await desk.explaining.run(ANA, run_id)
    (prompt,) = (each for each in explained.versions if each.kind == "prompt")
    assert (prompt.was, prompt.now, prompt.changed_by) == (1, 2, "U0BEN")
    assert prompt.changed_at == AT + timedelta(days=1) and not prompt.is_live
    assert explained.workflow is not None and explained.parameters["passages"] == 6


async def test_a_run_that_never_began_has_no_versions(desk: Desk) -> None:
    run_id = await desk.ran(ANA, "k1", pins={}, status="cancelled", answer=None)
    explained = await desk.explaining.run(ANA, run_id)
    assert explained.workflow is None and explained.versions == ()


async def test_only_who_may_see_is_told(desk: Desk) -> None:
    run_id = await desk.ran(ANA, "k1")
    for refused, error in ((BEN, NotAuthorized), (STRANGER, Outsider)):
        with pytest.raises(error):
            await desk.explaining.run(refused, run_id)
        with pytest.raises(error):
            await desk.explaining.workflow(refused, "ask-policy")
    for role in (Role.AUDITOR, Role.APPROVER, Role.EDITOR):
        await desk.access.grant(DEV, "U0BEN", role, "workflow:ask-policy")
        assert (await desk.explaining.workflow(BEN, "ask-policy")).version == 1
        await desk.access.revoke(DEV, "U0BEN", role, "workflow:ask-policy")
    with pytest.raises(UnknownWorkflow):
        await desk.explaining.workflow(ANA, "ask-nobody")


async def test_a_retired_workflow_is_explained_to_those_who_keep_it(desk: Desk) -> None:
    gone = Standing("ask-policy", Stage.RETIRED, "U0DEV", AT, why="Replaced.")
    desk.store.write_now(lambda connection: lock_standing(connection, gone))
    with pytest.raises(WorkflowRetired):
        await desk.explaining.workflow(ANA, "ask-policy")
    assert (await desk.explaining.workflow(DEV, "ask-policy")).stage == "retired"


async def test_the_newest_run_of_a_person_is_their_own(desk: Desk) -> None:
    assert await desk.explaining.newest_run(ANA) == ""
    await desk.ran(ANA, "k1")
    desk.clock.at += timedelta(minutes=1)
    newest = await desk.ran(ANA, "k2")
    desk.clock.at += timedelta(minutes=1)
    await desk.ran(DEV, "k3")
    assert await desk.explaining.newest_run(ANA) == newest
