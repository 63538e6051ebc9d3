"""The form of a decision table at work: rows added, edited, moved, deleted, each step kept; then proposed."""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.services.actors import Actor
from bot.services.drafting import DraftMoved, Edit, Editing
from bot.slack import table_sentences as text
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.edit_memory import edit_of, place_of
from bot.slack.edit_saving import propose
from bot.slack.edit_views import read_reason
from bot.slack.form_replies import TOO_LATE, marked
from bot.slack.gateway import SlackRefused
from bot.slack.payloads import Call, UnreadableClick
from bot.slack.table_form import (
    LAST_EDIT,
    PAGE_BACK,
    PAGE_ON,
    ROW_ADD,
    ROW_FORGET,
    ROW_FORM,
    ROW_GO_ON,
    ROW_MENU,
    TABLE_FORM,
    check_of,
    look_at,
    names_of,
    new_overlaps_of,
    read_row,
    row_errors,
    row_form,
    rows_in,
    table_form,
)
from workflows.decision_tables import table_text
from workflows.plain_conditions import to_condition
from workflows.plain_words import in_words, outcome_of
from workflows.rules import InvalidCondition
from workflows.table_edits import Rows, add_row, check_table, delete_row, move_row, put_row

_MOVES: Mapping[str, Callable[[Rows, int], Rows]] = {
    "up": lambda rows, number: move_row(rows, number, -1),
    "down": lambda rows, number: move_row(rows, number, 1),
    "delete": delete_row,
}


async def row_chosen(call: Call, desk: Desk) -> Reply:
    """The menu beside a rule: edit, move, delete."""
    what, _, number = call.value.partition(":")
    if not number.isdecimal() or what not in (*_MOVES, "edit"):
        raise UnreadableClick(call.name)
    if what == "edit":
        return await _row(call, desk, int(number))
    actor = await desk.people.actor(call.person)
    change = _MOVES[what]
    return await _step(call, desk, actor, lambda rows: change(rows, int(number)))


async def row_added(call: Call, desk: Desk) -> Reply:
    """An empty row form, for a new rule."""
    return await _row(call, desk, 0)


async def last_chosen(call: Call, desk: Desk) -> Reply:
    """The form of `otherwise`, or of a rule that was begun."""
    return await _row(call, desk, int(call.value) if call.value.isdecimal() else 0)


async def row_forgotten(call: Call, desk: Desk) -> Reply:
    """A rule that was begun is let go of."""
    actor = await desk.people.actor(call.person)
    editing = await desk.drafting.step(actor, edit_of(call), lambda now: replace(now, unfinished={}))
    return _drawn(call, desk, editing)


async def page_turned(call: Call, desk: Desk) -> Reply:
    """Other rules of a long table."""
    actor = await desk.people.actor(call.person)
    editing = await _standing(call, desk, actor)
    page = int(call.value) if call.value.isdecimal() else 1
    return _drawn(call, desk, _with_reason(editing, call), page=page)


async def row_sent(call: Call, desk: Desk) -> Reply:
    """One rule: read, put into its place, and the table below drawn again."""
    actor = await desk.people.actor(call.person)
    editing = await _standing(call, desk, actor)
    given = {key: writable(value) for key, value in read_row(call.state).items()}
    number = int(call.metadata.get("i") or 0)
    row, problems = _read(editing, number, given)
    if problems:
        kept = _begun(call, given, number, next(iter(problems.values())))
        return await _kept_unfinished(call, desk, actor, kept, problems)
    at = int(given.get("at") or number or 1)

    def put(rows: Rows) -> Rows:
        return put_row(rows, number, row, at) if number else add_row(rows, row, at)

    stepped = await desk.drafting.step(actor, _at(call, editing), lambda now: _changed(editing, now, put, {}))
    await look_at(stepped)
    view = table_form(stepped, place_of(call), page=int(call.metadata.get("p") or 1))
    return Reply(after=lambda: desk.gateway.update_view(str(call.metadata.get("v", "")), view))


def writable(value: str) -> str:
    """Without what no YAML can hold: control characters, broken Unicode and code points of nothing."""
    kept = (c for c in value if c != "\ufeff" and unicodedata.category(c) not in ("Cs", "Cn"))
    return " ".join("".join(c if unicodedata.category(c) != "Cc" else " " for c in kept).split())


def _begun(call: Call, given: Mapping[str, str], number: int, problem: str) -> dict[str, str]:
    """A row that cannot be read yet, as it is kept; `since` is the revision its form was drawn at."""
    kept = {key: given[key] for key in ("then", "because") if given.get(key)}
    about = {"row": str(number), "problem": problem, "since": str(edit_of(call).revision)}
    return {**kept, **about, "typed": given.get("when", "")}


async def table_sent(call: Call, desk: Desk) -> Reply:
    """The whole table: proposed when it is sound and what overlaps was seen."""
    actor = await desk.people.actor(call.person)
    editing = _with_reason(await _standing(call, desk, actor), call)
    seen, check = edit_of(call), check_of(editing)
    if seen.revision != editing.edit.revision:
        return _redrawn(call, editing, banner=text.stale_window())
    edit = replace(editing.edit, base_hash=seen.base_hash)
    if not check.is_sound or edit.unfinished:
        return await _sent_back(call, desk, actor, editing, text.not_proposed_flaws(), "")
    new = _new_overlaps(editing)
    if new and new != call.metadata.get("a"):
        return await _sent_back(call, desk, actor, editing, text.not_proposed_overlaps(), new)
    return await propose(call, desk, actor, edit)


async def _sent_back(
    call: Call, desk: Desk, actor: Actor, editing: Editing, banner: str, accepted: str
) -> Reply:
    reason = editing.edit.reason

    def keep(now: Edit) -> Edit:
        return replace(now, reason=reason)

    stepped = await desk.drafting.step(actor, edit_of(call), keep)
    return _redrawn(call, stepped, banner=banner, accepted=accepted)


def _redrawn(call: Call, editing: Editing, *, banner: str, accepted: str = "") -> Reply:
    page = int(call.metadata.get("p") or 1)
    view = table_form(editing, place_of(call), banner=banner, page=page, accepted=accepted)
    return Reply(ack={"response_action": "update", "view": view})


async def _row(call: Call, desk: Desk, number: int) -> Reply:
    actor = await desk.people.actor(call.person)
    editing = _with_reason(await _standing(call, desk, actor), call)
    page = int(call.metadata.get("p") or 1)
    form = row_form(editing, place_of(call), row=number, root=call.view_id, page=page)

    async def push() -> None:
        try:
            await desk.gateway.push_view(call.trigger_id, form)
        except SlackRefused as error:
            if error.reason not in TOO_LATE:
                raise
            view = table_form(editing, place_of(call), banner=text.press_again(), page=page)
            await desk.gateway.update_view(call.view_id, view)

    return Reply(after=push)


async def _step(call: Call, desk: Desk, actor: Actor, change: Callable[[Rows], Rows]) -> Reply:
    """One step, kept; in a window that shows an older state, only that is said."""
    reason = read_reason(call.state)
    before = await desk.drafting.standing(actor, edit_of(call))

    def work(now: Edit) -> Edit:
        begun = {key: value for key, value in now.unfinished.items() if key != "since"}
        return replace(_changed(before, now, change, begun), reason=reason)

    try:
        editing = await look_at(await desk.drafting.step(actor, edit_of(call), work))
    except DraftMoved:
        editing = await _standing(call, desk, actor)
        return _drawn(call, desk, editing, banner=text.stale_window())
    return _drawn(call, desk, editing)


def _drawn(call: Call, desk: Desk, editing: Editing, *, banner: str = "", page: int = 0) -> Reply:
    page = page or int(call.metadata.get("p") or 1)
    view = table_form(editing, place_of(call), banner=banner, page=page)
    return Reply(after=lambda: desk.gateway.update_view(call.view_id, view))


async def _standing(call: Call, desk: Desk, actor: Actor) -> Editing:
    """The edit as it is kept, or as it began; its rights are asked for when it is proposed."""
    return await look_at(await desk.drafting.standing(actor, edit_of(call)))


async def _kept_unfinished(
    call: Call, desk: Desk, actor: Actor, kept: Mapping[str, str], problems: Mapping[str, str]
) -> Reply:
    """What cannot be read is kept beside the rows, and the form stays open."""
    editing = await _standing(call, desk, actor)
    stepped = await desk.drafting.step(
        actor, _at(call, editing), lambda now: replace(now, unfinished=dict(kept))
    )
    view = table_form(stepped, place_of(call), page=int(call.metadata.get("p") or 1))
    found = marked(row_errors(problems, call.state))
    return Reply(ack=found.ack, after=lambda: desk.gateway.update_view(str(call.metadata.get("v", "")), view))


def _at(call: Call, editing: Editing) -> Edit:
    """The edit to step from: a row form cannot learn of its own refused sendings, so they do not count."""
    seen = edit_of(call)
    if editing.edit.unfinished.get("since") == str(seen.revision):
        return replace(seen, revision=editing.edit.revision)
    return seen


def _changed(
    editing: Editing, now: Edit, change: Callable[[Rows], Rows], unfinished: Mapping[str, str]
) -> Edit:
    rows = rows_in(replace(editing, edit=now))
    return replace(now, content=table_text(change(rows)), unfinished=unfinished)


def _with_reason(editing: Editing, call: Call) -> Editing:
    reason = read_reason(call.state) or editing.edit.reason
    return replace(editing, edit=replace(editing.edit, reason=reason))


def _read(editing: Editing, number: int, given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The row that was entered, and what is wrong with it by field."""
    rows, names = rows_in(editing), names_of(editing)
    row: dict[str, str] = {}
    problems: dict[str, str] = {}
    is_last = number == len(rows)
    if not is_last:
        before = rows[number - 1].get("when", "") if number else ""
        typed = given.get("when", "")
        try:
            # what was not touched stays as it is written, whatever its words would make of it
            row["when"] = (
                before if before and typed == in_words(before, names) else to_condition(typed, names)
            )
        except InvalidCondition as error:
            problems["when"] = text.condition_flaw(str(error))
    outcome = outcome_of(given.get("then", ""))
    if not text.OUTCOME.fullmatch(outcome):
        problems["then"] = text.THEN_FLAW
    row["otherwise" if is_last else "then"] = outcome
    if given.get("because"):
        row["because"] = " ".join(given["because"].split())
    if not problems and not is_last:
        problems = _condition_problems(editing, row)
    return row, problems


def _condition_problems(editing: Editing, row: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the row by itself, were it the only rule."""
    rows = rows_in(editing)
    step = editing.edit.target.name.partition("/")[2]
    alone = check_table(editing.live.workflow, step, (dict(row), rows[-1]))
    flaws = {flaw.key: text.condition_flaw(flaw.message) for flaw in alone.flaws if flaw.row == 1}
    if "" in flaws:
        flaws["when"] = flaws.pop("")
    return flaws


def _new_overlaps(editing: Editing) -> str:
    """A name for the overlaps that the live table does not have; empty when there are none."""
    rows = rows_in(editing)
    pairs = sorted(
        [rows[number - 1].get("when", "") for number in found.rules] for found in new_overlaps_of(editing)
    )
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16] if pairs else ""


TABLE_ACTIONS: Mapping[str, Handler] = {
    ROW_MENU: row_chosen,
    ROW_ADD: row_added,
    LAST_EDIT: last_chosen,
    ROW_GO_ON: last_chosen,
    ROW_FORGET: row_forgotten,
    PAGE_BACK: page_turned,
    PAGE_ON: page_turned,
}

TABLE_VIEWS: Mapping[str, Handler] = {TABLE_FORM: table_sent, ROW_FORM: row_sent}
