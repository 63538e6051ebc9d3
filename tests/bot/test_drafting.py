"""Drafts: kept for their author alone, proposed on what they were made from, and lost by nobody."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.database import Store
from bot.bootstrap import library
from bot.governance.changes import POLICIES, Target
from bot.governance.roles import Role
from bot.services.access import Access, NotAuthorized, Outsider
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Catalogue, Content
from bot.services.change_proposals import Ways
from bot.services.change_requests import Changes
from bot.services.drafting import BaseMoved, Drafting, DraftMoved, UnknownDraft
from bot.services.edit_targets import NothingToEdit, values_of, values_text
from bot.services.holdings import Holdings
from bot.services.targets import Targets
from knowledge.embedding import Embedder
from tests.fakes import FakeClock

ADMIN, ANA, BEN = Actor("U0DEV", "Dev"), Actor("U0ANA", "Ana"), Actor("U0BEN", "Ben")
PROMPT = Target("prompt", "ask-policy.answer")
PARAMETERS = Target("parameters", "ask-policy")
ROUTE = Target("rules", "ask-policy/route")
MINE = "---\nvariables: [passages, question]\n---\nMine {{ passages }} {{ question }}\n"
WHERE = Origin("command", "T0SPAN", "C0PEOPLE")
LIBRARY = Path(__file__).parents[2] / "workflows" / "library"


@dataclass
class Room:
    store: Store
    access: Access
    catalogue: Catalogue
    changes: Changes
    drafting: Drafting
    clock: FakeClock

    async def release(self, kind: str, name: str, text: str, by: Actor = ADMIN) -> None:
        await self.catalogue.add(by, [Content(kind, name, text)])


@pytest.fixture
async def room(store: Store, tmp_path: Path) -> AsyncIterator[Room]:
    clock = FakeClock()
    access = Access(store, clock, ["U0DEV"])
    catalogue = Catalogue(store, access, clock)
    await catalogue.seed(library(LIBRARY))
    await access.grant(ADMIN, "U0ANA", Role.EDITOR, "workflow:ask-policy")
    await access.grant(ADMIN, "U0BEN", Role.EDITOR)
    holdings = Holdings(store, tmp_path, clock, embedder=Embedder.load())
    targets = Targets(catalogue, access, holdings, clock)
    changes = Changes(store, targets, clock, WakeUp(), WakeUp(), Ways(POLICIES))
    yield Room(store, access, catalogue, changes, Drafting(store, access, catalogue, clock, changes), clock)
    await holdings.close()


async def test_the_menu_lists_what_this_person_may_edit(room: Room) -> None:
    menu = await room.drafting.menu(ANA, "ask-policy")
    assert menu.targets == (PROMPT, PARAMETERS, ROUTE, Target("rules", "ask-policy/verdict"))
    assert [each.name for each in await room.drafting.editable(ANA)] == ["ask-policy"]
    assert len(await room.drafting.editable(BEN)) == 4
    with pytest.raises(NotAuthorized):
        await room.drafting.menu(ANA, "triage-request")
    assert await room.drafting.editable(Actor("U0CLOE")) == ()


async def test_an_edit_begins_with_what_is_live(room: Room) -> None:
    prompt = await room.drafting.begin(ANA, PROMPT)
    assert "numbered passages" in prompt.edit.content and not prompt.has_moved and prompt.draft is None
    assert (await room.drafting.begin(ANA, PARAMETERS)).edit.content == "{}"
    assert "not_covered" in (await room.drafting.begin(ANA, ROUTE)).edit.content
    assert await room.drafting.drafts(ANA) == (), "looking keeps nothing"
    for name in ("prompt:nowhere", "parameters:draft-nothing", "rules:ask-policy/nowhere", "models:models"):
        kind, _, rest = name.partition(":")
        with pytest.raises(NothingToEdit):
            await room.drafting.begin(ADMIN, Target(kind, rest))  # type: ignore[arg-type]


async def test_a_draft_is_its_authors_alone(room: Room) -> None:
    edit = (await room.drafting.begin(ANA, PROMPT)).edit
    kept = await room.drafting.keep(ANA, replace(edit, content="Mine {{ passages }}"), "invalid")
    (listed,) = await room.drafting.drafts(ANA)
    assert (listed.id, listed.content, listed.why) == (kept.draft_id, "Mine {{ passages }}", "invalid")
    assert await room.drafting.drafts(BEN) == ()
    for act in (room.drafting.resume, room.drafting.drop):
        with pytest.raises(UnknownDraft):
            await act(BEN, kept.draft_id)
    with pytest.raises(DraftMoved):
        await room.drafting.keep(BEN, replace(kept, content="Taken over"))
    again = await room.drafting.begin(ANA, PROMPT)
    assert again.edit.content == "Mine {{ passages }}" and again.draft is not None
    await room.drafting.drop(ANA, kept.draft_id)
    assert await room.drafting.drafts(ANA) == ()


async def test_a_text_that_is_handed_over_is_kept_at_once(room: Room) -> None:
    editing = await room.drafting.begin(ANA, PROMPT, "Written elsewhere {{ passages }}", "handed over")
    assert [draft.id for draft in await room.drafting.drafts(ANA)] == [editing.edit.draft_id]


async def test_two_windows_on_one_table_do_not_mix(room: Room) -> None:
    edit = (await room.drafting.begin(ANA, ROUTE)).edit
    first = await room.drafting.keep(ANA, replace(edit, content="- a"))
    with pytest.raises(DraftMoved):
        await room.drafting.keep(ANA, replace(edit, content="- b"))
    await room.drafting.keep(ANA, replace(first, content="- c"))
    assert (await room.drafting.drafts(ANA))[0].content == "- c"


async def test_proposing_hands_over_the_text_and_lets_go_of_the_draft(room: Room) -> None:
    edit = (await room.drafting.begin(ANA, PARAMETERS)).edit
    kept = await room.drafting.keep(ANA, replace(edit, content=values_text({"passages": 8}), reason="more"))
    made = (await room.drafting.propose(ANA, kept, WHERE)).change
    assert values_of(made.content) == {"passages": 8}
    assert (made.reason, made.origin, made.target, made.author) == ("more", WHERE, PARAMETERS, "U0ANA")
    assert await room.drafting.drafts(ANA) == ()


async def test_a_moved_base_says_who_and_keeps_the_text(room: Room) -> None:
    edit = (await room.drafting.begin(ANA, PROMPT)).edit
    await room.release("prompt", PROMPT.name, "Theirs {{ passages }} {{ question }}")
    mine = replace(edit, content=MINE, reason="clearer")
    with pytest.raises(BaseMoved) as moved:
        await room.drafting.propose(ANA, mine, WHERE)
    assert moved.value.facts["by"] == "U0DEV" and await room.changes.recent(ANA) == ()
    again = await room.drafting.resume(ANA, edit.draft_id)
    assert again.has_moved and (again.edit.content, again.edit.reason) == (MINE, "clearer")
    assert again.live.text == "Theirs {{ passages }} {{ question }}"
    made = await room.drafting.propose(ANA, replace(again.edit, base_hash=again.live.hash), WHERE)
    assert [change.id for change in await room.changes.recent(ANA)] == [made.change.id]
    assert made.place == "C0PEOPLE"


async def test_a_table_without_a_version_moves_with_its_workflow(room: Room) -> None:
    edit = (await room.drafting.begin(ANA, ROUTE)).edit
    text = (LIBRARY / "ask-policy.yaml").read_text()
    await room.release("workflow", "ask-policy", text.replace("find.count == 0", "find.count < 2"))
    with pytest.raises(BaseMoved) as moved:
        await room.drafting.propose(ANA, edit, WHERE)
    assert moved.value.facts["by"] == "U0DEV"


async def test_a_role_taken_away_meanwhile_keeps_the_text(room: Room) -> None:
    edit = (await room.drafting.begin(ANA, PROMPT)).edit
    await room.access.revoke(ADMIN, "U0ANA", Role.EDITOR, "workflow:ask-policy")
    with pytest.raises(NotAuthorized):
        await room.drafting.propose(ANA, replace(edit, content="Mine"), WHERE)
    assert [draft.why for draft in await room.drafting.drafts(ANA)] == ["NotAuthorized"]


async def test_outsiders_are_refused(room: Room) -> None:
    guest = Actor("U0X", is_outsider=True)
    edit = (await room.drafting.begin(ANA, PROMPT)).edit
    for act in (
        room.drafting.editable(guest),
        room.drafting.menu(guest, "ask-policy"),
        room.drafting.begin(guest, PROMPT),
        room.drafting.keep(guest, edit),
        room.drafting.drafts(guest),
        room.drafting.drop(guest, "t_1"),
        room.drafting.propose(guest, edit, WHERE),
    ):
        with pytest.raises(Outsider):
            await act


async def test_a_step_changes_the_draft_as_it_stands(room: Room) -> None:
    edit = (await room.drafting.begin(ANA, ROUTE)).edit
    first = await room.drafting.step(ANA, edit, lambda now: replace(now, content=now.content + "# one"))
    assert first.edit.content.endswith("# one") and first.edit.revision == 1 and first.draft is not None
    with pytest.raises(DraftMoved):
        await room.drafting.step(ANA, edit, lambda now: now)
    await room.drafting.step(ANA, first.edit, lambda now: replace(now, content=now.content + " two"))
    assert (await room.drafting.resume(ANA, edit.draft_id)).edit.content.endswith("# one two")
