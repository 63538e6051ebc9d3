"""Editing in forms: the menu, drafts, and opening a form for a prompt, parameters or a decision table."""

from collections.abc import Mapping

from bot.governance.changes import Target
from bot.services.drafting import Editing
from bot.slack.arguments import split_word
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.edit_files import as_file, offer_file
from bot.slack.edit_memory import edit_of, place_of, read_target
from bot.slack.edit_saving import parameters_sent, prompt_sent
from bot.slack.edit_views import (
    AS_FILE,
    DRAFT_DROP,
    DRAFT_OPEN,
    EDIT,
    EDIT_MENU,
    PROMPT_FORM,
    START_OVER,
    drafts_message,
    editable_message,
    menu_message,
    prompt_form,
    read_reason,
    too_late_message,
)
from bot.slack.form_replies import open_form, saying
from bot.slack.long_text import cut
from bot.slack.parameter_form import (
    PARAMETER_FORM,
    RESET,
    parameter_form,
    raw_text,
    read_raw,
    reset_counts,
)
from bot.slack.payloads import Call
from bot.slack.richtext import Block
from bot.slack.table_form import look_at, table_form
from bot.slack.table_steps import TABLE_ACTIONS, TABLE_VIEWS
from workflows.prompt_edits import prompt_body


async def edit(call: Call, desk: Desk, rest: str) -> Reply:
    """`/spanwise edit <workflow>`: what this person may edit of it; without a name, of which workflows."""
    actor = await desk.people.actor(call.person)
    name = split_word(rest)[0].strip("`").removeprefix("/")
    if not name:
        return saying(desk, editable_message(await desk.drafting.editable(actor)))
    return saying(desk, menu_message(await desk.drafting.menu(actor, name)))


async def drafts(call: Call, desk: Desk, _rest: str) -> Reply:
    """`/spanwise drafts`: what this person has not proposed yet."""
    actor = await desk.people.actor(call.person)
    return saying(desk, drafts_message(await desk.drafting.drafts(actor)))


async def open_editor(call: Call, desk: Desk, target: Target, *, text: str = "", why: str = "") -> Reply:
    """Open the form of a target, with a text in place of what is live or with this person's draft.

    A text that is handed over is kept as a draft first; `why` is said above it and starts the reason.
    Raises Outsider, NotAuthorized, NothingToEdit.
    """
    actor = await desk.people.actor(call.person)
    editing = await desk.drafting.begin(actor, target, text, "handed over" if text else "")
    return await show(call, desk, editing, why=why)


async def show(call: Call, desk: Desk, editing: Editing, *, why: str = "") -> Reply:
    """Draw the form of an edit: over the form it was asked for in, else as a new one."""
    if _needs_file(editing):
        return Reply(after=lambda: offer_file(call, desk, editing))
    form = form_of(await look_at(editing), place_of(call), why=why)

    over = bool(call.view_id) and call.kind == "action"
    return Reply(after=lambda: open_form(call, desk, form, too_late_message(editing), over=over))


def _needs_file(editing: Editing) -> bool:
    """Whether a prompt is longer than a form can hold."""
    return editing.edit.target.kind == "prompt" and not cut(prompt_body(editing.edit.content)).fits


def form_of(editing: Editing, place: Mapping[str, str], *, why: str = "") -> Block:
    """The form that fits the target."""
    kind = editing.edit.target.kind
    if kind == "prompt":
        return prompt_form(editing, place, why=why)
    if kind == "parameters":
        return parameter_form(editing, place, why=why)
    return table_form(editing, place, why=why)


async def menu_clicked(call: Call, desk: Desk) -> Reply:
    """A workflow was chosen from the list."""
    actor = await desk.people.actor(call.person)
    message = menu_message(await desk.drafting.menu(actor, call.value))
    return Reply(after=lambda: desk.tell(call, message, replace=True))


async def edit_clicked(call: Call, desk: Desk) -> Reply:
    """A target was chosen from the menu, or from wherever its button stands."""
    return await open_editor(call, desk, read_target(call.json_value(), call.name))


async def draft_opened(call: Call, desk: Desk) -> Reply:
    """A draft is taken up again."""
    actor = await desk.people.actor(call.person)
    return await show(call, desk, await desk.drafting.resume(actor, call.value))


async def draft_dropped(call: Call, desk: Desk) -> Reply:
    """A draft is thrown away; the list is drawn again without it."""
    actor = await desk.people.actor(call.person)
    await desk.drafting.drop(actor, call.value)
    message = drafts_message(await desk.drafting.drafts(actor))
    return Reply(after=lambda: desk.tell(call, message, replace=True))


async def started_over(call: Call, desk: Desk) -> Reply:
    """Back to what is live, in the same form."""
    actor = await desk.people.actor(call.person)
    editing = await desk.drafting.start_over(actor, read_target(call.metadata, call.name), call.value)
    place = place_of(call)
    if _needs_file(editing):
        return Reply(after=lambda: offer_file(call, desk, editing))
    form = form_of(await look_at(editing), place)
    return Reply(after=lambda: desk.gateway.update_view(call.view_id, form))


async def parameter_reset(call: Call, desk: Desk) -> Reply:
    """One parameter back to its default; what was typed for the others stays."""
    actor = await desk.people.actor(call.person)
    raw = read_raw(call.state, call.metadata.get("s") or {})
    raw.pop(call.value, None)
    kept = await desk.drafting.keep(actor, edit_of(call, raw_text(raw), read_reason(call.state)))
    editing = await desk.drafting.standing(actor, kept)
    form = parameter_form(editing, place_of(call), resets=reset_counts(call.metadata, call.value))
    return Reply(after=lambda: desk.gateway.update_view(call.view_id, form))


EDIT_COMMANDS = {"edit": edit, "drafts": drafts}
"""Sub-commands of `/spanwise`."""

EDIT_ACTIONS: Mapping[str, Handler] = {
    EDIT: edit_clicked,
    EDIT_MENU: menu_clicked,
    DRAFT_OPEN: draft_opened,
    DRAFT_DROP: draft_dropped,
    START_OVER: started_over,
    AS_FILE: as_file,
    RESET: parameter_reset,
    **TABLE_ACTIONS,
}

EDIT_VIEWS: Mapping[str, Handler] = {
    PROMPT_FORM: prompt_sent,
    PARAMETER_FORM: parameters_sent,
    **TABLE_VIEWS,
}
