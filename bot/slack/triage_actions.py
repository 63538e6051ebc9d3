"""Triage in a person's direct messages: opening it, and the decisions of its cards."""

from collections.abc import Awaitable, Callable, Mapping

from bot.quality.complaint import TriageState
from bot.services.actors import Actor, Origin
from bot.services.triage import Round
from bot.slack import triage_cards as cards
from bot.slack import triage_text as words
from bot.slack.arguments import split_word
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.edit_forms import open_editor
from bot.slack.form_replies import closing_with, marked, opening
from bot.slack.payloads import Call
from bot.slack.triage_forms import (
    CASE_FORM,
    CONTAIN,
    DOCUMENT_FORM,
    case_form,
    document_form,
    read_case,
    read_document,
)


async def triage(call: Call, desk: Desk, rest: str) -> Reply:
    """`triage`, or `triage <workflow>`: five cards in the person's direct messages."""
    return await _opened(call, desk, split_word(rest)[0].removeprefix("/"))


async def opened(call: Call, desk: Desk) -> Reply:
    """From the button of a message: everything, or one workflow's."""
    return await _opened(call, desk, "" if call.value == "*" else call.value)


async def _opened(call: Call, desk: Desk, workflow: str) -> Reply:
    actor = await desk.people.actor(call.person)

    async def show() -> None:
        # questions are compared first, which may take longer than Slack waits
        made: Round = await desk.triage.open_round(actor, call.dedupe_key, workflow)
        is_there = made.shown and desk.gateway.known_direct(call.person) == call.channel
        if not is_there:
            await desk.tell(call, notice(words.opened(made.shown, made.left)))

    return Reply(after=show)


async def dismissed(call: Call, desk: Desk) -> Reply:
    """Not a problem."""
    actor = await desk.people.actor(call.person)
    await desk.triage.decide(actor, call.value, TriageState.DISMISSED)
    return Reply()


async def taken_back(call: Call, desk: Desk) -> Reply:
    """Let it wait again."""
    actor = await desk.people.actor(call.person)
    await desk.triage.take_back(actor, call.value)
    return Reply()


async def case(call: Call, desk: Desk) -> Reply:
    """The form of a golden case."""
    actor = await desk.people.actor(call.person)
    draft = await desk.remedies.case_draft(actor, call.value)
    return opening(call, desk, case_form(draft, call.place), words.form_late(words.CASE))


async def case_sent(call: Call, desk: Desk) -> Reply:
    """A golden case to keep."""
    run_id = call.remembered("run")
    shown, expect, why = read_case(call.state)
    if not expect:
        return marked({CONTAIN: words.expects_nothing()})
    actor = await desk.people.actor(call.person)
    view = await desk.runs.view(run_id)
    given = {name: str(value) for name, value in {**view.inputs, **shown}.items()}
    key = await desk.remedies.add_case(actor, run_id, given, expect, why)
    return closing_with(call, desk, notice(words.case_added(key, view.workflow)))


async def prompt(call: Call, desk: Desk) -> Reply:
    """The editor of the prompt that wrote the answer."""
    actor = await desk.people.actor(call.person)
    target = await desk.remedies.take_prompt(actor, call.value)
    return await open_editor(call, desk, target)


async def knowledge(call: Call, desk: Desk) -> Reply:
    """The form of a document."""
    actor = await desk.people.actor(call.person)
    draft = await desk.remedies.document_draft(actor, call.value)
    return opening(call, desk, document_form(draft, call.place), words.form_late(words.KNOWLEDGE))


async def document_sent(call: Call, desk: Desk) -> Reply:
    """A document to propose."""
    run_id = call.remembered("run")
    collection, title, text = read_document(call.state)
    actor = await desk.people.actor(call.person)
    change = await desk.remedies.add_document(
        actor, run_id, collection=collection, title=title, text=text, origin=_origin(call, actor)
    )
    return closing_with(call, desk, notice(words.document_proposed(change)))


def _origin(call: Call, actor: Actor) -> Origin:
    return Origin("dm", actor.team_id, call.channel, message_ts=call.message_ts, readers=(actor.id,))


TRIAGE_COMMANDS: Mapping[str, Callable[[Call, Desk, str], Awaitable[Reply]]] = {"triage": triage}
TRIAGE_ACTIONS: Mapping[str, Handler] = {
    cards.OPEN: opened,
    cards.NEXT: opened,
    cards.TAKE_BACK: taken_back,
    cards.CASE: case,
    cards.PROMPT: prompt,
    cards.KNOWLEDGE: knowledge,
    cards.DISMISS: dismissed,
}
TRIAGE_VIEWS: Mapping[str, Handler] = {CASE_FORM: case_sent, DOCUMENT_FORM: document_sent}
