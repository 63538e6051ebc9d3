"""Stages in Slack: the commands, the buttons of the readiness card, and its forms."""

import re
from collections.abc import Awaitable, Callable, Mapping
from decimal import InvalidOperation
from typing import Any

from bot.governance.budget import Period, Scope, ScopeKind
from bot.governance.budget_words import InvalidLimit
from bot.governance.roles import Role
from bot.slack import stage_blocks as blocks
from bot.slack import stage_forms as forms
from bot.slack import stage_text as words
from bot.slack.admin_text import no_collections
from bot.slack.arguments import split_word
from bot.slack.blocks import notice
from bot.slack.budget_text import needs_amount
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.form_replies import closing, marked, opening, saying, telling
from bot.slack.incoming import plain_text
from bot.slack.knowledge_forms import draft_form
from bot.slack.payloads import Call, UnreadableClick
from bot.slack.requesting import memory_of
from bot.slack.richtext import Block
from bot.slack.text import form_expired

_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)(?:\|[^>]*)?>")
_SHARE = re.compile(r"\b(\d{1,3})\s*(?:%|percent\b)")
_BECAUSE = re.compile(r"^(?:because|as|since|:|-)\s+", re.IGNORECASE)

SubCommand = Callable[[Call, Desk, str], Awaitable[Reply]]


async def promote(call: Call, desk: Desk, rest: str) -> Reply:
    """`promote <workflow>`: the readiness card, where it was asked for."""
    workflow = _workflow(rest)[0]
    if not workflow:
        return saying(desk, notice(words.how_to("promote")))
    return await post_card(call, desk, workflow)


async def post_card(call: Call, desk: Desk, workflow: str) -> Reply:
    """The readiness card of a workflow, drawn again whenever something of it changes."""
    actor = await desk.people.actor(call.person)

    async def post() -> None:
        await desk.promotions.post(
            actor,
            workflow,
            desk.people,
            key=call.dedupe_key,
            channel=call.channel or call.person,
            thread_ts=call.thread_ts,
        )

    return Reply(after=post)


async def pilot(call: Call, desk: Desk, rest: str) -> Reply:
    """`pilot <workflow> @people @group 20%`, or `pause`, `resume`, `stop`."""
    workflow, whom = _workflow(rest)
    if not workflow or not whom:
        return saying(desk, notice(words.how_to("pilot")))
    actor = await desk.people.actor(call.person)
    if whom.lower() in MOVES:
        move, said = MOVES[whom.lower()]
        await move(desk)(actor, workflow)
        return saying(desk, notice(words.moved_words(workflow, said)))
    people, groups = _PERSON.findall(whom), _GROUP.findall(whom)
    share = _SHARE.search(_GROUP.sub("", _PERSON.sub("", whom)))
    standing = await desk.stages.pilot(
        actor, workflow, people=people, groups=groups, share=int(share.group(1)) if share else 0
    )
    if standing.pilot is None:
        raise UnreadableClick("pilot")
    names = await desk.people.names(groups)
    return saying(desk, notice(words.pilot_started(workflow, standing.pilot, names), mentions=people))


async def retire(call: Call, desk: Desk, rest: str) -> Reply:
    """`retire <workflow> because ...`: nobody runs it any more."""
    workflow, why = _workflow(rest)
    if not workflow:
        return saying(desk, notice(words.how_to("retire")))
    actor = await desk.people.actor(call.person)
    await desk.stages.retire(actor, workflow, _BECAUSE.sub("", plain_text(why)))
    return saying(desk, notice(words.retired(workflow)))


async def reopen(call: Call, desk: Desk, rest: str) -> Reply:
    """`reopen <workflow>`: what was retired runs again."""
    workflow, _ = _workflow(rest)
    if not workflow:
        return saying(desk, notice(words.how_to("reopen")))
    actor = await desk.people.actor(call.person)
    standing = await desk.stages.reopen(actor, workflow)
    said = f"is {words.stage_words(standing.stage.value)} again"
    return saying(desk, notice(words.moved_words(workflow, said)))


async def stages(call: Call, desk: Desk, _rest: str) -> Reply:
    """`stages`: where everything stands that concerns this person."""
    actor = await desk.people.actor(call.person)
    standings = await desk.stages.overview(actor)
    groups = [group for each in standings if each.pilot for group in each.pilot.groups]
    return saying(desk, blocks.overview_message(standings, await desk.people.names(groups)))


async def approve(call: Call, desk: Desk) -> Reply:
    """Yes to exactly this candidate."""
    actor = await desk.people.actor(call.person)
    workflow, _, seen = call.value.partition(":")
    await desk.promotions.approve(actor, workflow, seen=seen)
    return telling(call, desk, words.approved(workflow))


async def ask_approval(call: Call, desk: Desk) -> Reply:
    """The card to everybody who may approve it."""
    actor = await desk.people.actor(call.person)

    async def ask() -> None:
        asked = await desk.promotions.ask_approval(actor, call.value, desk.people, key=call.dedupe_key)
        await desk.tell(call, notice(words.approval_asked(asked)))

    return Reply(after=ask)


async def promoted(call: Call, desk: Desk) -> Reply:
    """To everybody."""
    actor = await desk.people.actor(call.person)
    workflow, _, seen = call.value.partition(":")

    async def act() -> None:
        await desk.promotions.promote(actor, workflow, desk.people, seen=seen)
        await desk.tell(call, notice(words.promoted(workflow)))

    return Reply(after=act)


async def run_cases(call: Call, desk: Desk) -> Reply:
    """A worker runs them; the card is drawn again when they are through."""
    actor = await desk.people.actor(call.person)
    await desk.promotions.run_cases(actor, call.value)
    return telling(call, desk, words.cases_running(call.value))


async def refresh(call: Call, desk: Desk) -> Reply:
    """Ask Slack and the runs again."""
    actor = await desk.people.actor(call.person)
    await desk.promotions.card(actor, call.value)
    return Reply(after=lambda: desk.promotions.refresh(call.value, desk.people))


def moving(word: str) -> Handler:
    """A button that pauses, resumes or stops a pilot."""

    async def act(call: Call, desk: Desk) -> Reply:
        actor = await desk.people.actor(call.person)
        move, said = MOVES[word]
        await move(desk)(actor, call.value)
        return telling(call, desk, words.moved_words(call.value, said))

    return act


async def open_person(call: Call, desk: Desk) -> Reply:
    """Whom to name."""
    return _opening(call, desk, forms.person_form(_place(call)))


async def open_volume(call: Call, desk: Desk) -> Reply:
    """How many runs a month."""
    actor = await desk.people.actor(call.person)
    card = await desk.promotions.card(actor, call.value)
    return _opening(call, desk, forms.volume_form(_place(call), card.standing.monthly_runs))


async def open_budget(call: Call, desk: Desk) -> Reply:
    """How much it may spend."""
    await desk.promotions.card(await desk.people.actor(call.person), call.value)
    return _opening(call, desk, forms.budget_form(_place(call)))


async def open_document(call: Call, desk: Desk) -> Reply:
    """What a collection that it reads should say, as a change others approve."""
    actor = await desk.people.actor(call.person)
    card = await desk.promotions.card(actor, call.value)
    used = [each.collection for each in card.readiness.evidence.knowledge]
    open_to = [name for name in await desk.admin.open_collections(actor) if name in used]
    if not open_to:
        return telling(call, desk, no_collections())
    return _opening(call, desk, draft_form(open_to, "", "", memory_of(call, "shortcut")))


async def open_case(call: Call, desk: Desk) -> Reply:
    """What to hold it to."""
    released = await desk.catalogue.find(call.value)
    return _opening(call, desk, forms.case_form(_place(call), released.face.asked_inputs))


async def open_pilot(call: Call, desk: Desk) -> Reply:
    """Whom to serve."""
    actor = await desk.people.actor(call.person)
    card = await desk.promotions.card(actor, call.value)
    return _opening(call, desk, forms.pilot_form(_place(call), card.standing.pilot))


async def person_named(call: Call, desk: Desk) -> Reply:
    """Give them the owner's role over the workflow."""
    workflow, person = call.remembered("workflow"), forms.read_person(call.state)
    actor = await desk.people.actor(call.person)
    named = await desk.people.actor(person)
    if named.is_outsider:
        return marked({forms.PERSON: words.not_a_member()})
    await desk.access.grant(actor, person, Role.OWNER, f"workflow:{workflow}")
    return closing(lambda: desk.promotions.refresh(workflow, desk.people))


async def volume_set(call: Call, desk: Desk) -> Reply:
    """Keep the volume; the forecast follows."""
    workflow = call.remembered("workflow")
    actor = await desk.people.actor(call.person)
    try:
        volume = forms.read_volume(call.state)
    except forms.InvalidVolume:
        return marked({forms.VOLUME: words.not_a_volume()})
    await desk.stages.expect(actor, workflow, volume)
    return closing(lambda: desk.promotions.refresh(workflow, desk.people))


async def budget_set(call: Call, desk: Desk) -> Reply:
    """Keep the limit of a month."""
    workflow = call.remembered("workflow")
    actor = await desk.people.actor(call.person)
    try:
        scope = Scope(ScopeKind.WORKFLOW, workflow)
        await desk.budgets.set_limit(actor, scope, forms.read_budget(call.state), Period.MONTH)
    except (InvalidOperation, InvalidLimit):
        return marked({forms.BUDGET: needs_amount()})
    return closing(lambda: desk.promotions.refresh(workflow, desk.people))


async def case_added(call: Call, desk: Desk) -> Reply:
    """Keep the case; the cases have to run again."""
    workflow = call.remembered("workflow")
    inputs, expect, why = forms.read_case(call.state)
    if not expect:
        return marked({forms.CONTAIN: words.nothing_expected()})
    actor = await desk.people.actor(call.person)
    await desk.golden.add(actor, workflow, inputs, expect, why=why)
    return closing(lambda: desk.promotions.refresh(workflow, desk.people))


async def pilot_chosen(call: Call, desk: Desk) -> Reply:
    """Serve them from now on; user groups stay as they were named."""
    workflow, choice = call.remembered("workflow"), forms.read_pilot(call.state)
    actor = await desk.people.actor(call.person)
    card = await desk.promotions.card(actor, workflow)
    groups = card.standing.pilot.groups if card.standing.pilot else ()
    if not (choice.people or choice.share or groups):
        return marked({forms.PEOPLE: words.nobody_chosen()})
    await desk.stages.pilot(actor, workflow, people=choice.people, groups=groups, share=choice.share)
    return closing()


def _workflow(rest: str) -> tuple[str, str]:
    name, more = split_word(rest)
    return plain_text(name).removeprefix("/"), more


def _place(call: Call) -> dict[str, str]:
    return {**call.place, "workflow": call.value}


def _opening(call: Call, desk: Desk, form: Block) -> Reply:
    return opening(call, desk, form, form_expired(str(form["title"]["text"]), ""))


MOVES: Mapping[str, tuple[Callable[[Desk], Callable[..., Awaitable[Any]]], str]] = {
    "pause": (lambda desk: desk.stages.pause, "is paused: everybody has what is in production"),
    "resume": (lambda desk: desk.stages.resume, "goes on: the people of its pilot have the candidate again"),
    "stop": (lambda desk: desk.stages.stop, "is no longer in pilot; the candidate is kept"),
}
"""Word after `pilot <workflow>` to the move and what it came to."""

STAGE_SUBCOMMANDS: Mapping[str, SubCommand] = {
    "promote": promote,
    "pilot": pilot,
    "retire": retire,
    "reopen": reopen,
    "stages": stages,
}
STAGE_ACTIONS: Mapping[str, Handler] = {
    blocks.NAME_PERSON: open_person,
    blocks.ADD_CASE: open_case,
    blocks.RUN_CASES: run_cases,
    blocks.SET_VOLUME: open_volume,
    blocks.ADD_DOCUMENT: open_document,
    blocks.SET_BUDGET: open_budget,
    blocks.ASK_APPROVAL: ask_approval,
    blocks.APPROVE: approve,
    blocks.PROMOTE: promoted,
    blocks.PILOT: open_pilot,
    blocks.PAUSE: moving("pause"),
    blocks.RESUME: moving("resume"),
    blocks.STOP: moving("stop"),
    blocks.REFRESH: refresh,
}
STAGE_VIEWS: Mapping[str, Handler] = {
    forms.PERSON_FORM: person_named,
    forms.VOLUME_FORM: volume_set,
    forms.BUDGET_FORM: budget_set,
    forms.CASE_FORM: case_added,
    forms.PILOT_FORM: pilot_chosen,
}
