"""Forms that were sent off."""

from collections.abc import Mapping
from typing import Any

from bot.services.actors import Visibility
from bot.services.catalogue import Released
from bot.slack import text
from bot.slack.actions import SURFACES
from bot.slack.admin_actions import ADMIN_VIEWS
from bot.slack.blocks import notice
from bot.slack.budget_actions import BUDGET_VIEWS
from bot.slack.change_actions import CHANGE_VIEWS
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.digest_actions import DIGEST_VIEWS
from bot.slack.edit_forms import EDIT_VIEWS
from bot.slack.elements import Outgoing
from bot.slack.escalation_actions import ESCALATION_VIEWS
from bot.slack.feedback_actions import FEEDBACK_VIEWS
from bot.slack.form_replies import closing_with, marked
from bot.slack.forms import (
    CHOICE,
    CHOOSE,
    DONE,
    INPUTS,
    SETTINGS,
    chose_public,
    field_errors,
    notice_view,
    read_inputs,
    read_settings,
)
from bot.slack.incoming import fitting, thread_text
from bot.slack.knowledge_forms import KNOWLEDGE_VIEWS
from bot.slack.payloads import Call
from bot.slack.requesting import Ask, accept, working_notice
from bot.slack.stage_actions import STAGE_VIEWS
from bot.slack.triage_actions import TRIAGE_VIEWS
from workflows.inputs import InvalidInputs


async def received(call: Call, desk: Desk) -> Reply:
    """Any form."""
    handler = VIEWS.get(call.name)
    return await handler(call, desk) if handler else Reply()


async def inputs_sent(call: Call, desk: Desk) -> Reply:
    """A workflow's inputs: accepted, or sent back with what is wrong under each field."""
    actor = await desk.people.actor(call.person)
    released = await desk.catalogue.find(_chosen(call), actor)
    values = {**read_inputs(call.state), **await _taken(call, desk, released)}
    values = {name: value for name, value in values.items() if name in released.face.inputs}
    visibility: Visibility = "channel" if chose_public(call.state) else "private"
    surface = SURFACES.get(str(call.metadata.get("surface", "")), "command")
    ask = Ask(released, values, surface, visibility)
    try:
        accepted = await accept(call, desk, ask, actor)
    except InvalidInputs as error:
        return _sent_back(call, released, error.problems)
    return _done(call, desk, released.title, await working_notice(call, desk, ask, accepted))


async def settings_sent(call: Call, desk: Desk) -> Reply:
    """The person's own settings."""
    choice = read_settings(call.state)
    actor = await desk.people.actor(call.person)
    changed = await desk.preferences.set_answers(actor, choice)
    words = text.settings_saved(text.ANSWER_PLACES[choice]) if changed else text.no_settings_change()
    return _done(call, desk, "Your settings", notice(words))


async def closed(_call: Call, _desk: Desk) -> Reply:
    """A modal that only said something."""
    return Reply()


def _chosen(call: Call) -> str:
    menu = (call.state.get("workflow") or {}).get(CHOICE) or {}
    return str((menu.get("selected_option") or {}).get("value") or call.metadata.get("workflow", ""))


async def _taken(call: Call, desk: Desk, released: Released) -> dict[str, str]:
    """Inputs that were too long for a field: the thread as it stands now."""
    names = call.metadata.get("taken") or []
    if not names:
        return {}
    whole = await thread_text(desk, call.channel, call.thread_ts or call.message_ts)
    inputs = released.face.inputs
    return {name: fitting(whole, inputs[name].max_length) for name in map(str, names) if name in inputs}


def _sent_back(call: Call, released: Released, problems: Mapping[str, str]) -> Reply:
    labels = {name: item.label or name for name, item in released.face.inputs.items()}
    said = {name: text.input_problem(labels.get(name, name), why) for name, why in problems.items()}
    errors = field_errors(said, call.state)
    if errors:
        return marked(errors)
    return Reply(ack=pushed(released.title, "\n".join(said.values())))


def _done(call: Call, desk: Desk, title: str, message: Outgoing) -> Reply:
    """Close the form and say so where it was opened; where nowhere is known, say it in the modal."""
    if call.response_url or call.channel:
        return closing_with(call, desk, message)
    shown = {**notice_view(title, ""), "blocks": list(message.blocks)}
    return Reply(ack={"response_action": "update", "view": shown})


def pushed(title: str, words: str) -> dict[str, Any]:
    """An acknowledgement that lays a notice over the form, so that nothing typed is lost."""
    return {"response_action": "push", "view": notice_view(title, words)}


VIEWS: Mapping[str, Handler] = {
    INPUTS: inputs_sent,
    CHOOSE: inputs_sent,
    SETTINGS: settings_sent,
    DONE: closed,
    **ADMIN_VIEWS,
    **BUDGET_VIEWS,
    **CHANGE_VIEWS,
    **DIGEST_VIEWS,
    **EDIT_VIEWS,
    **FEEDBACK_VIEWS,
    **KNOWLEDGE_VIEWS,
    **STAGE_VIEWS,
    **ESCALATION_VIEWS,
    **TRIAGE_VIEWS,
}
