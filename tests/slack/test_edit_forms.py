"""Editing in forms, through the real app: what a person sees, and that bad input loses nothing."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from slack_checks import assert_view
from slack_scene import DEV, Scene, open_scene, words

from bot.bootstrap import library
from bot.governance.changes import Target
from bot.governance.roles import Role
from bot.services.actors import Actor
from bot.services.catalogue import Content
from bot.services.change_views import ChangeView
from bot.services.edit_targets import values_of
from bot.slack import edit_views as views
from bot.slack import parameter_form, table_form
from bot.slack.forms import FIELD
from bot.slack.refusals import sentence
from bot.workspace.driver import Person
from bot.workspace.view_desk import OpenView
from workflows.decision_tables import read_table
from workflows.table_edits import Rows

CHANNEL = "C0PEOPLE"
ANA = Actor("U0ANA", "Ana Costa", "T0SPAN")
PROMPT = Target("prompt", "ask-policy.answer")
PARAMETERS = Target("parameters", "ask-policy")
ROUTE = Target("rules", "ask-policy/route")
QUEUE = Target("rules", "triage-request/route")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path, workflows=())
    await made.desk.catalogue.seed(library())
    for name in ("ask-policy", "triage-request"):
        await made.desk.access.grant(DEV, "U0ANA", Role.EDITOR, f"workflow:{name}")
    yield made
    await close()


async def top(person: Person, callback: str = "") -> OpenView:
    """The form on top, once it is there."""
    return await person.wait_for(
        lambda: next(
            (v for v in reversed(person.views()[-1:]) if callback in ("", v.body.get("callback_id"))), None
        )
    )


async def edit(scene: Scene, target: Target, who: str = "U0ANA") -> tuple[Person, OpenView]:
    """Open the form of a target the way a person does."""
    person = scene.person(who)
    assert (await person.command(CHANNEL, f"/spanwise edit {target.workflow}")).ok
    menu = person.ephemerals(CHANNEL)[-1]
    value = json.dumps({"k": target.kind, "n": target.name}, separators=(",", ":"))
    assert (await person.click(menu, views.EDIT, value)).ok
    await scene.quiet()
    form = await top(person)
    assert_view(form.body)
    return person, form


def block(form: OpenView, start: str) -> dict[str, Any]:
    return next(each for each in form.blocks if str(each["block_id"]).startswith(start))


def value(form: OpenView, start: str) -> str:
    return str(block(form, start)["element"].get("initial_value", ""))


def filled(form: OpenView, **given: str) -> dict[str, dict[str, str]]:
    """Values for the fields whose block begins with each name; `p__passages` stands for `p:passages`."""
    return {block(form, start.replace("__", ":"))["block_id"]: {FIELD: text} for start, text in given.items()}


async def changes(scene: Scene) -> tuple[ChangeView, ...]:
    return await scene.desk.drafting._changes.recent(ANA)


async def drafts(scene: Scene) -> list[tuple[str, str]]:
    return [(draft.kind, draft.why) for draft in await scene.desk.drafting.drafts(ANA)]


async def live(scene: Scene, target: Target) -> str:
    return (await scene.desk.drafting.live(target)).text


def rows_of(change: ChangeView) -> Rows:
    return read_table(change.content)


async def test_the_menu_lists_prompts_parameters_and_tables_and_no_model_setting(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/spanwise edit")
    listed = ana.ephemerals(CHANNEL)[-1]
    assert "Ask the people handbook" in words(listed) and "Summarise" not in words(listed)
    await ana.click(listed, views.EDIT_MENU, "ask-policy")
    menu = await ana.wait_for(
        lambda: next((m for m in ana.ephemerals(CHANNEL) if "What you may edit" in words(m)), None)
    )
    for said in ("ask-policy.answer", "Writing the answer", "passages, min support", "Deciding whether"):
        assert said in words(menu)
    for target in (PROMPT, PARAMETERS, ROUTE, QUEUE):
        _, form = await edit(scene, target)
        for setting in ("spanwise/quote", "temperature", "alias", "provider", "litellm"):
            assert setting not in json.dumps(form.body).lower()


async def test_somebody_without_the_role_is_refused_in_a_message_only_they_see(scene: Scene) -> None:
    ben = scene.person("U0BEN")
    for typed in ("/spanwise edit", "/spanwise edit ask-policy"):
        outcome = await ben.command(CHANNEL, typed)
        assert ":lock:" in str(outcome.payload) and outcome.payload["response_type"] == "ephemeral"
    menu_of_ana = await scene.person("U0ANA").command(CHANNEL, "/spanwise edit ask-policy")
    assert menu_of_ana.ok and ben.ephemerals(CHANNEL)[-1].text.startswith(":lock:")
    assert "no workflow “nowhere”" in str((await ben.command(CHANNEL, "/spanwise edit nowhere")).payload)


async def test_a_prompt_is_edited_and_proposed(scene: Scene) -> None:
    ana, form = await edit(scene, PROMPT)
    assert "{{ passages }}` – the passages that were found" in words(form) and "Why" in words(form)
    assert "variables:" not in words(form), "the front matter follows the text by itself"
    old = value(form, "text:1")
    text = old.replace("At most 150 words", "At most 90 words")
    sent = await ana.submit(form, filled(form, text=text, reason="Shorter answers"))
    assert sent.ok and ana.views() == ()
    (change,) = await changes(scene)
    assert (change.target, change.author, change.reason) == (PROMPT, "U0ANA", "Shorter answers")
    assert change.content == (await live(scene, PROMPT)).replace("At most 150", "At most 90")
    assert change.origin.channel_id == CHANNEL and await drafts(scene) == []
    note = await ana.wait_for(lambda: _said(ana, change.id))
    assert f"stands in <#{CHANNEL}>" in note


def _said(person: Person, about: str, channel: str = CHANNEL) -> str:
    return next((words(m) for m in person.ephemerals(channel) if about in words(m)), "")


async def test_an_unknown_variable_is_said_under_its_field_and_the_text_kept(scene: Scene) -> None:
    ana, form = await edit(scene, PROMPT)
    wrong = filled(form, text="Answer {{ questoin }} from {{ passages }}.", reason="x")
    outcome = await ana.submit(form, wrong)
    ((field, said),) = outcome.errors.items()
    assert field.startswith("text:1")
    assert said == (
        "{{ questoin }} is no variable of this prompt; did you mean “question”? Correct it and propose again."
    )
    assert await drafts(scene) == [("prompt", "flaws")] and await changes(scene) == ()
    again = await ana.submit(
        form, filled(form, text="Answer {{ question }} from {{ passages }}.", reason="x")
    )
    assert again.ok and len(await changes(scene)) == 1 and await drafts(scene) == []


async def test_a_draft_is_listed_opened_and_deleted(scene: Scene) -> None:
    ana, form = await edit(scene, PROMPT)
    await ana.submit(form, filled(form, text="Mine {{ nothing }}", reason="later"))
    await ana.close(form)
    listed = await ana.command(CHANNEL, "/spanwise drafts")
    assert "You have 1 draft" in str(listed.payload) and "needs correcting" in str(listed.payload)
    assert "You have no drafts" in str(
        (await scene.person("U0BEN").command(CHANNEL, "/spanwise drafts")).payload
    )
    message = ana.ephemerals(CHANNEL)[-1]
    draft = (await scene.desk.drafting.drafts(ANA))[0].id
    assert (await ana.click(message, views.DRAFT_OPEN, draft)).ok
    form = await top(ana, views.PROMPT_FORM)
    assert value(form, "text:1") == "Mine {{ nothing }}" and value(form, "reason") == "later"
    assert "This is your draft" in words(form)
    await ana.close(form)
    _, form = await edit(scene, PROMPT)
    assert value(form, "text:1") == "Mine {{ nothing }}", "the menu goes on with it too"
    assert (await ana.click(form, views.START_OVER)).ok
    await ana.wait_for(lambda: value(ana.views()[-1], "text:1").startswith("You answer") or None)
    assert await drafts(scene) == []
    await ana.submit(ana.views()[-1], filled(ana.views()[-1], text="{{ again }}", reason="x"))
    await ana.close(ana.views()[-1])
    await ana.command(CHANNEL, "/spanwise drafts")
    message = ana.ephemerals(CHANNEL)[-1]
    await ana.click(message, views.DRAFT_DROP)
    await ana.wait_for(lambda: _said(ana, "You have no drafts"))
    assert await drafts(scene) == []


async def test_a_long_prompt_stands_in_several_fields_and_comes_back_whole(scene: Scene) -> None:
    long = "\n\n".join(f"Rule {number}: " + "be precise and kind. " * 20 for number in range(24))
    await release(scene, PROMPT, f"{long}\n\n{{{{ passages }}}} {{{{ question }}}}\n")
    ana, form = await edit(scene, PROMPT)
    fields = [each for each in form.blocks if str(each["block_id"]).startswith("text:")]
    assert 4 <= len(fields) <= 8 and "part 1 of" in words(form)
    third = fields[2]["block_id"]
    kept = fields[2]["element"]["initial_value"]
    wrong = {third: {FIELD: kept + " {{ who }}"}, "reason": {FIELD: "x"}}
    assert list((await ana.submit(form, wrong)).errors) == [third]
    assert (await ana.submit(form, {third: {FIELD: kept + " Really."}, "reason": {FIELD: "x"}})).ok
    (change,) = await changes(scene)
    assert change.content.strip() == (await live(scene, PROMPT)).strip().replace(kept, kept + " Really.")


async def release(scene: Scene, target: Target, text: str) -> None:
    """Somebody else changes what is live."""
    await scene.desk.catalogue.add(DEV, [Content(target.kind, target.name, text)])


async def test_a_prompt_beyond_the_form_goes_out_as_a_file_and_comes_back(scene: Scene) -> None:
    long = "\n".join(f"Line {number}: " + "be precise and kind. " * 5 for number in range(300))
    await release(scene, PROMPT, f"{long}\n{{{{ passages }}}} {{{{ question }}}}\n")
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/spanwise edit ask-policy")
    await ana.click(ana.ephemerals(CHANNEL)[-1], views.EDIT, views.carried(PROMPT))
    root = await ana.wait_for(
        lambda: next((m for m in scene.app_messages(ana, ana.dm) if "characters" in words(m)), None)
    )
    held = await ana.wait_for(lambda: next((m for m in ana.messages(ana.dm, root.ts) if m.files), None))
    await ana.wait_for(lambda: _said(ana, "our direct messages"))
    assert held.files[0]["name"] == "ask-policy.answer.md" and await drafts(scene) == [("prompt", "file")]
    body = scene.workspace.site.shelf.find(held.files[0]["id"]).content.decode()
    assert body.strip() == (await live(scene, PROMPT)).strip()

    async def answer_to(content: bytes, comment: str, count: int) -> str:
        file = ana.upload("ask-policy.answer (1).md", content)
        await ana.say(ana.dm, comment, root.ts, [file])
        found = await ana.wait_for(lambda: _replies(scene, ana, root.ts, count))
        return words(found[-1])

    wrong = await answer_to(body.replace("Line 7:", "{{ seven }}").encode(), "tidier", 1)
    assert "line 8: {{ seven }} is no variable" in wrong and "kept as a draft" in wrong
    assert await changes(scene) == ()
    await ana.say(ana.dm, "", root.ts, [ana.upload("a.md", b"\xff\xfe\x00binary")])
    await ana.wait_for(lambda: _said(ana, "as text", ana.dm))
    said = await answer_to(body.replace("Line 7:", "Seventh:").encode(), "tidier", 2)
    (change,) = await changes(scene)
    assert change.id in said and "Seventh:" in change.content and change.reason == "tidier"
    assert await drafts(scene) == []


@pytest.mark.parametrize(
    "comment", ["", "add this file to the people handbook: dogs.md", "May I bring a dog?"]
)
async def test_a_file_that_nothing_waits_for_is_answered_for(scene: Scene, comment: str) -> None:
    ana = scene.person("U0ANA")
    await ana.say(ana.dm, comment, files=[ana.upload("dogs.md", b"# Dogs")])
    await ana.wait_for(lambda: _said(ana, "I do not read files", ana.dm))
    asked = await scene.desk.runs.recent(await scene.desk.people.actor("U0ANA"))
    assert await changes(scene) == () and asked == ()


def _replies(scene: Scene, person: Person, thread: str, count: int) -> list[Any] | None:
    found = [m for m in scene.app_messages(person, person.dm, thread) if m.ts != thread and not m.files]
    return found if len(found) >= count else None


async def test_the_form_of_a_prompt_turns_into_a_file(scene: Scene) -> None:
    ana, form = await edit(scene, PROMPT)
    await ana.click(form, views.AS_FILE, values=filled(form, text="Typed {{ passages }} {{ question }}"))
    held = await ana.wait_for(lambda: next((m for m in _dm(scene, ana) if m.files), None))
    assert b"Typed {{ passages }}" in scene.workspace.site.shelf.find(held.files[0]["id"]).content
    await ana.wait_for(lambda: "our direct messages" in words(ana.views()[-1]) or None)


def _dm(scene: Scene, person: Person) -> list[Any]:
    roots = scene.app_messages(person, person.dm)
    return [m for root in roots for m in person.messages(person.dm, root.ts)]


async def test_parameters_show_their_bounds_and_are_proposed(scene: Scene) -> None:
    ana, form = await edit(scene, PARAMETERS)
    assert "Whole number from 1 to 20. Left empty: 6." in words(form)
    assert "How many passages of the handbook" in words(form)
    sent = await ana.submit(form, filled(form, p__passages="8", p__min_support="0.5", reason="more to read"))
    assert sent.ok
    (change,) = await changes(scene)
    assert values_of(change.content) == {"passages": 8}, "a default is not pinned"


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("passages", "99", "Passages must be 20 or less, and you wrote 99. Correct it and propose again."),
        ("passages", "2.5", "Passages must be a whole number, and you wrote 2.5."),
        ("min_support", "-1", "Min support must be 0 or more, and you wrote -1."),
        ("min_support", "high", "Min support must be a number, and you wrote high."),
    ],
)
async def test_a_parameter_outside_its_bounds(scene: Scene, name: str, given: str, said: str) -> None:
    ana, form = await edit(scene, PARAMETERS)
    outcome = await ana.submit(form, filled(form, **{f"p__{name}": given, "reason": "x"}))
    ((field, error),) = outcome.errors.items()
    assert field.startswith(f"p:{name}:") and error.startswith(said)
    assert await drafts(scene) == [("parameters", "flaws")] and await changes(scene) == ()
    await ana.close(form)
    _, form = await edit(scene, PARAMETERS)
    assert value(form, f"p:{name}") == given, "taken up again as it was typed"


async def test_a_parameter_goes_back_to_its_default_and_the_others_stay(scene: Scene) -> None:
    await release(scene, PARAMETERS, '{"passages": 9, "min_support": 0.7}')
    ana, form = await edit(scene, PARAMETERS)
    assert "Passages is tuned; by default it is 6." in words(form)
    typed = filled(form, p__min_support="0.8", p__passages="12")
    assert (await ana.click(form, parameter_form.RESET, "passages", values=typed)).ok
    form = await ana.wait_for(lambda: next((v for v in ana.views() if value(v, "p:passages") == ""), None))
    assert value(form, "p:min_support") == "0.8"
    assert (await ana.submit(form, filled(form, reason="as it was"))).ok
    assert values_of((await changes(scene))[0].content) == {"min_support": 0.8}


async def test_nothing_to_propose(scene: Scene) -> None:
    ana, form = await edit(scene, PARAMETERS)
    outcome = await ana.submit(form, filled(form, reason="x"))
    assert "This is what is live already" in str(outcome.errors) and await drafts(scene) == []


async def test_a_table_is_shown_in_plain_words(scene: Scene) -> None:
    _, form = await edit(scene, QUEUE)
    said = words(form)
    assert 'When label is "purchase" and input amount is at least finance limit' in said.replace("&gt;", ">")
    assert "→ *finance approval*" in said and "Otherwise" in said
    assert "share cases with earlier rules, as today" in said and "overlap:" not in said


async def add_rule(ana: Person, form: OpenView, **given: str) -> Any:
    assert (await ana.click(form, table_form.ROW_ADD)).ok
    row = await top(ana, table_form.ROW_FORM)
    assert_view(row.body)
    return row, await ana.submit(row, filled(row, **given))


async def settled(scene: Scene, ana: Person) -> OpenView:
    await scene.quiet()
    form = await top(ana, table_form.TABLE_FORM)
    assert_view(form.body)
    return form


async def test_rules_are_added_moved_edited_deleted_and_proposed(scene: Scene) -> None:
    ana, form = await edit(scene, ROUTE)
    _, sent = await add_rule(ana, form, when="support under 0.2", then="Not covered", because="Too far off.")
    assert sent.ok
    form = await settled(scene, ana)
    assert "*3.* When support is less than 0.2" in words(form) and len(ana.views()) == 1
    assert await drafts(scene) == [("rules", "")], "each step is kept"
    await ana.click(form, table_form.ROW_MENU, "up:3")
    form = await settled(scene, ana)
    assert "*2.* When support is less than 0.2" in words(form)
    await ana.click(form, table_form.ROW_MENU, "edit:2")
    row = await top(ana, table_form.ROW_FORM)
    assert value(row, "when") == "support is less than 0.2" and value(row, "then") == "not covered"
    await ana.submit(row, filled(row, when="support under 0.1 and count is 1"))
    form = await settled(scene, ana)
    await ana.click(form, table_form.ROW_MENU, "delete:1")
    form = await settled(scene, ana)
    await ana.click(form, table_form.LAST_EDIT)
    row = await top(ana, table_form.ROW_FORM)
    assert not any(str(each["block_id"]).startswith("when") for each in row.blocks)
    await ana.submit(row, filled(row, because="There is something."))
    form = await settled(scene, ana)
    assert (await ana.submit(form, filled(form, reason="Tidier"))).ok
    (change,) = await changes(scene)
    assert [row.get("when") for row in rows_of(change)] == [
        "find.support < 0.1 && find.count == 1",
        "find.support < parameters.min_support",
        None,
    ]
    assert rows_of(change)[-1] == {"otherwise": "covered", "because": "There is something."}
    assert change.reason == "Tidier" and await drafts(scene) == []


@pytest.mark.parametrize(
    ("when", "then", "field", "said"),
    [
        ("support below high", "covered", "when", "there is no “high”"),
        ("support + < 3", "covered", "when", "character"),
        ("suport < 0.2", "covered", "when", "did you mean"),
        ("support < 0.2", "Ça, là!", "then", "use small letters"),
    ],
)
async def test_a_rule_that_does_not_compile_is_said_under_its_field_and_kept(
    scene: Scene, when: str, then: str, field: str, said: str
) -> None:
    ana, form = await edit(scene, ROUTE)
    row, outcome = await add_rule(ana, form, when=when, then=then)
    ((block_id, error),) = outcome.errors.items()
    assert block_id.startswith(field) and said in error.lower() and error.endswith("save again.")
    await ana.close(row)
    form = await settled(scene, ana)
    assert "A rule you began is kept" in words(form)
    refused = await ana.submit(form, filled(form, reason="x"))
    assert refused.ok and "Not proposed yet" in words(ana.views()[-1]) and await changes(scene) == ()
    form = await settled(scene, ana)
    await ana.click(form, table_form.ROW_GO_ON)
    row = await top(ana, table_form.ROW_FORM)
    assert value(row, "when") == when and value(row, "then") == then
    assert (await ana.submit(row, filled(row, when="support < 0.2", then="not covered"))).ok
    form = await settled(scene, ana)
    assert "A rule you began" not in words(form) and "*3.* When support is less than 0.2" in words(form)


async def test_a_refused_rule_is_put_right_in_the_same_form(scene: Scene) -> None:
    ana, form = await edit(scene, ROUTE)
    row, outcome = await add_rule(ana, form, when="nonsense", then="covered")
    assert outcome.errors
    assert (await ana.submit(row, filled(row, when="count > 9", then="covered"))).ok
    form = await settled(scene, ana)
    assert words(form).count("→ *") == 4, "it stands there once"


async def test_overlaps_gaps_and_rules_that_never_fire_are_pointed_out_before_saving(scene: Scene) -> None:
    ana, form = await edit(scene, ROUTE)
    await add_rule(ana, form, when="count > 3", then="covered")
    form = await settled(scene, ana)
    assert "Rules 2 and 3 overlap: both hold when" in words(form) and "so it is *not covered*" in words(form)
    assert "No rule holds when" in words(form) and "then it is *covered*" in words(form)
    await ana.submit(form, filled(form, reason="More hits"))
    form = await settled(scene, ana)
    assert "overlap that did not before" in words(form) and await changes(scene) == ()
    assert await drafts(scene) == [("rules", "")]
    await add_rule(ana, form, when="count is 0 and support under 0.1", then="covered")
    form = await settled(scene, ana)
    assert "Rule 4 never decides: whenever it holds, an earlier rule does (rule 1" in words(form)
    await ana.submit(form, filled(form, reason="More hits"))
    form = await settled(scene, ana)
    assert "has to be put right first" in words(form) and await changes(scene) == ()
    await ana.click(form, table_form.ROW_MENU, "delete:4")
    form = await settled(scene, ana)
    await ana.submit(form, filled(form, reason="More hits"))
    form = await settled(scene, ana)
    assert (await ana.submit(form, filled(form, reason="More hits"))).ok
    assert len(await changes(scene)) == 1, "said once, then meant"


async def test_a_closed_form_and_a_second_window_lose_nothing(scene: Scene) -> None:
    ana, form = await edit(scene, ROUTE)
    await ana.click(form, table_form.ROW_MENU, "down:1")
    stale = form.body["private_metadata"]
    form = await settled(scene, ana)
    await ana.close(form)
    _, form = await edit(scene, ROUTE)
    assert "This is your draft" in words(form)
    assert words(form).index("support is less") < words(form).index("count is 0")
    # a window that still shows the first state presses on
    form.body["private_metadata"] = stale
    await ana.click(form, table_form.ROW_MENU, "delete:1")
    form = await settled(scene, ana)
    assert "changed in another window" in words(form) and words(form).count("→ *") == 3


async def test_two_people_at_once_the_second_is_told_who_was_first(scene: Scene) -> None:
    ana, form = await edit(scene, PROMPT)
    await release(scene, PROMPT, "Theirs now {{ passages }} {{ question }}\n")
    mine = filled(form, text="Mine {{ passages }} {{ question }}", reason="clearer")
    assert (await ana.submit(form, mine)).ok
    form = await top(ana, views.PROMPT_FORM)
    assert "<@U0DEV> changed this after you began" in words(form) and "nothing was proposed" in words(form)
    assert "Theirs now" in words(form) and "Mine" in words(form)
    assert value(form, "text:1").startswith("Mine") and value(form, "reason") == "clearer"
    assert await drafts(scene) == [("prompt", "BaseMoved")] and await changes(scene) == ()
    assert "somebody changed it meanwhile" in str((await ana.command(CHANNEL, "/spanwise drafts")).payload)
    assert (await ana.submit(form, {})).ok, "seen, and meant"
    (change,) = await changes(scene)
    assert "Theirs now" in change.old and "Mine" in change.content


@pytest.mark.parametrize("target", [PARAMETERS, ROUTE])
async def test_the_other_forms_say_who_was_first_too(scene: Scene, target: Target) -> None:
    ana, form = await edit(scene, target)
    if target == PARAMETERS:
        await release(scene, PARAMETERS, '{"passages": 11}')
        await ana.submit(form, filled(form, p__passages="12", reason="x"))
    else:
        await ana.click(form, table_form.ROW_MENU, "down:1")
        form = await settled(scene, ana)
        await release(scene, ROUTE, '- otherwise: "covered"\n')
        await ana.submit(form, filled(form, reason="x"))
        form = await settled(scene, ana)
        if "Not proposed yet" in words(form):
            await ana.submit(form, filled(form, reason="x"))
    await scene.quiet()
    assert "<@U0DEV> changed this after you began" in words(ana.views()[-1])
    assert await changes(scene) == () and len(await drafts(scene)) == 1


@pytest.mark.parametrize("target", [PROMPT, PARAMETERS, ROUTE])
async def test_a_role_taken_away_while_the_form_is_open(scene: Scene, target: Target) -> None:
    ana, form = await edit(scene, target)
    if target == ROUTE:
        await ana.click(form, table_form.ROW_MENU, "down:1")
        form = await settled(scene, ana)
    await scene.desk.access.revoke(DEV, "U0ANA", Role.EDITOR, "workflow:ask-policy")
    given = {
        PROMPT: {"text": "New {{ passages }} {{ question }}"},
        PARAMETERS: {"p__passages": "7"},
        ROUTE: {},
    }[target]
    before = await live(scene, target)
    await ana.submit(form, filled(form, **given, reason="x"))
    said = words(ana.views()[-1])
    assert "You may not propose changes to `/ask-policy` any more" in said and "kept as a draft" in said
    assert "<@U0DEV>" in said
    assert len(await drafts(scene)) == 1 and await live(scene, target) == before


async def test_an_expired_trigger_offers_the_form_again(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/spanwise edit ask-policy")
    scene.workspace.faults.add("views.open", "error", error="expired_trigger_id")
    await ana.click(ana.ephemerals(CHANNEL)[-1], views.EDIT, views.carried(PROMPT))
    await ana.wait_for(lambda: _said(ana, "expire before it opened"))
    note = next(m for m in ana.ephemerals(CHANNEL) if "expire before it opened" in words(m))
    assert (await ana.click(note, views.EDIT)).ok
    await top(ana, views.PROMPT_FORM)


async def test_a_text_that_was_handed_over_survives_an_expired_trigger(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.slack import actions
    from bot.slack.edit_forms import open_editor

    async def hand_over(call: Any, desk: Any) -> Any:
        return await open_editor(call, desk, PROMPT, text="Proposed {{ passages }}", why="A friendlier tone")

    monkeypatch.setitem(actions.ACTIONS, views.EDIT, hand_over)  # type: ignore[arg-type]
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/spanwise edit ask-policy")
    menu = ana.ephemerals(CHANNEL)[-1]
    scene.workspace.faults.add("views.open", "error", error="expired_trigger_id")
    await ana.click(menu, views.EDIT, views.carried(PROMPT))
    await ana.wait_for(lambda: _said(ana, "kept as a draft"))
    assert await drafts(scene) == [("prompt", "handed over")]
    note = next(m for m in ana.ephemerals(CHANNEL) if "kept as a draft" in words(m))
    await ana.click(note, views.DRAFT_OPEN)
    form = await top(ana, views.PROMPT_FORM)
    assert value(form, "text:1") == "Proposed {{ passages }}"
    await ana.close(form)
    await ana.click(menu, views.EDIT, views.carried(PROMPT))
    form = await top(ana, views.PROMPT_FORM)
    assert "A friendlier tone" in words(form) and value(form, "reason") == "A friendlier tone"


async def test_a_row_form_that_did_not_open_in_time_says_so_in_the_table(scene: Scene) -> None:
    ana, form = await edit(scene, ROUTE)
    scene.workspace.faults.add("views.push", "error", error="expired_trigger_id")
    await ana.click(form, table_form.ROW_ADD)
    form = await settled(scene, ana)
    assert "press it again" in words(form)


async def test_a_long_table_has_pages(scene: Scene) -> None:
    rows = "".join(f'- {{when: "find.count == {number}", then: not_covered}}\n' for number in range(100, 160))
    await release(scene, ROUTE, rows + "- otherwise: covered\n")
    ana, form = await edit(scene, ROUTE)
    assert "*25.*" in words(form) and "*26.*" not in words(form) and "Otherwise" not in words(form)
    for _ in range(2):
        await ana.click(form, table_form.PAGE_ON)
        form = await settled(scene, ana)
    assert "*60.*" in words(form) and "Otherwise" in words(form)


@pytest.mark.parametrize(
    "kind", ["BaseMoved", "DraftMoved", "FileTooLarge", "NotText", "NothingToEdit", "UnknownDraft"]
)
def test_every_error_of_editing_has_a_sentence(kind: str) -> None:
    said = sentence(kind, {"name": "a<b", "draft": "t_1", "file": "x", "limit": "1"})
    assert said.endswith(".") and "<" not in said


async def test_a_text_that_is_no_table_is_shown_and_not_lost(scene: Scene) -> None:
    await scene.desk.drafting.begin(ANA, ROUTE, "nothing: like a table", "handed over")
    ana, form = await edit(scene, ROUTE)
    assert "cannot be read as a decision table" in words(form) and "nothing: like a table" in words(form)
    await ana.click(form, table_form.ROW_MENU, "down:1")
    form = await settled(scene, ana)
    assert "cannot be read" not in words(form) and words(form).index("support") < words(form).index("count")


async def test_characters_that_no_file_can_hold_are_left_out(scene: Scene) -> None:
    ana, form = await edit(scene, ROUTE)
    odd = "because\x07 of\u2028this \ufeff\x85and that \uffff👍"
    _, sent = await add_rule(ana, form, when="count\x00 over 3", then="covered", because=odd)
    assert sent.ok
    form = await settled(scene, ana)
    assert "because of this and that 👍" in words(form)
