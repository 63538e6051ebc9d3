"""An edit form sent off: proposed, or sent back with what is wrong under each field and the text kept."""

from collections.abc import Mapping
from dataclasses import replace

from bot.services.access import NotAuthorized
from bot.services.actors import Actor
from bot.services.change_errors import AlreadyProposed, NothingChanged
from bot.services.content_checks import InvalidContent
from bot.services.drafting import BaseMoved, Edit, Editing
from bot.services.edit_targets import values_text
from bot.slack import edit_text as text
from bot.slack import elements as el
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Reply
from bot.slack.edit_memory import edit_of, place_of
from bot.slack.edit_views import ERROR_CHARACTERS, prompt_errors, prompt_form, read_prompt, read_reason
from bot.slack.elements import Outgoing
from bot.slack.form_replies import closing, marked
from bot.slack.forms import notice_view
from bot.slack.gateway import SlackRefused
from bot.slack.long_text import cut
from bot.slack.parameter_form import parameter_errors, parameter_form, raw_text, read_raw, read_values
from bot.slack.payloads import Call
from bot.slack.requesting import is_channel, origin_of
from bot.slack.richtext import Block
from bot.slack.table_form import look_at, table_form
from workflows.prompt_edits import prompt_body, prompt_flaws, prompt_text, variables_for


async def prompt_sent(call: Call, desk: Desk) -> Reply:
    """A prompt: its parts put together, its variables looked at, then proposed."""
    actor = await desk.people.actor(call.person)
    joined = read_prompt(call.state, call.metadata.get("s") or ())
    edit = edit_of(call, joined.text, read_reason(call.state))
    live = await desk.drafting.live(edit.target)
    edit = replace(edit, content=prompt_text(joined.text, live.text))
    flaws = prompt_flaws(joined.text, variables_for(edit.target.name, live.users))
    if flaws:
        await desk.drafting.keep(actor, edit, "flaws")
        return marked(prompt_errors(flaws, joined, call.state))
    return await propose(call, desk, actor, edit)


async def parameters_sent(call: Call, desk: Desk) -> Reply:
    """Parameters: each read within its bounds, then proposed."""
    actor = await desk.people.actor(call.person)
    raw = read_raw(call.state, call.metadata.get("s") or {})
    edit = edit_of(call, raw_text(raw), read_reason(call.state))
    live = await desk.drafting.live(edit.target)
    values, problems = read_values(live.workflow.parameters, raw)
    if problems:
        await desk.drafting.keep(actor, edit, "flaws")
        return marked(parameter_errors(problems, call.state))
    return await propose(call, desk, actor, replace(edit, content=values_text(values)))


async def propose(call: Call, desk: Desk, actor: Actor, edit: Edit) -> Reply:
    """Make a change request of it; what stands in the way is said, and the text is a draft by then."""
    place = place_of(call)
    placed = replace(call, channel=place["channel"], response_url=place["response_url"])
    visibility = "channel" if is_channel(placed.channel) else "private"
    origin = await origin_of(placed, desk, "command", "channel" if visibility == "channel" else "private")
    try:
        made = await desk.drafting.propose(actor, edit, origin)
    except BaseMoved:
        return await _redrawn(call, desk, actor, edit)
    except NotAuthorized as error:
        ask = str(error.facts.get("ask", "")).split(",")
        return laid_over("Not proposed", text.revoked(edit.target.workflow, ask))
    except NothingChanged:
        await desk.drafting.drop(actor, edit.draft_id)
        return under_first(call, text.nothing_to_propose())
    except AlreadyProposed as error:
        return under_first(call, text.already_proposed(error.facts["change"]))
    except InvalidContent as error:
        return under_first(call, text.unusable(error.problems))
    return done(placed, desk, notice(text.proposed(edit.target, made.change.id, made.place)))


async def _redrawn(call: Call, desk: Desk, actor: Actor, edit: Edit) -> Reply:
    """The form again, with who changed what meanwhile; sending it once more is meant."""
    try:
        editing = await desk.drafting.resume(actor, edit.draft_id)
    except NotAuthorized as error:
        ask = str(error.facts.get("ask", "")).split(",")
        return laid_over("Not proposed", text.revoked(edit.target.workflow, ask))
    await look_at(editing)
    return Reply(ack={"response_action": "update", "view": redraw_form(editing, place_of(call))})


def redraw_form(editing: Editing, place: Mapping[str, str]) -> Block:
    """The form of an edit as it is kept; a prompt that outgrew its form says so."""
    if editing.edit.target.kind == "parameters":
        return parameter_form(editing, place)
    if editing.edit.target.kind == "rules":
        return table_form(editing, place)
    if not cut(prompt_body(editing.edit.content)).fits:
        return notice_view("Edit a prompt", text.moved(editing.live.mover))
    return prompt_form(editing, place)


def under_first(call: Call, words: str) -> Reply:
    """Something that concerns the form as a whole, under its first field."""
    block = next((block for block in call.state if not block.startswith("reason")), "reason")
    return marked({block: el.shorten(words, ERROR_CHARACTERS)})


def laid_over(title: str, words: str) -> Reply:
    """A notice over the form, so that nothing typed is lost."""
    return Reply(ack={"response_action": "push", "view": notice_view(title, words)})


def done(call: Call, desk: Desk, message: Outgoing) -> Reply:
    """Close everything and say where the change request is."""

    async def say() -> None:
        try:
            await desk.tell(call, message)
        except SlackRefused:
            # we are not in that channel, and the address that came with the click is used up
            await desk.gateway.post(await desk.gateway.direct_channel(call.person), message)

    return closing(say)
