"""From a request in Slack to an accepted run, the same for every way in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.services.actors import Actor, Origin, Surface, Visibility
from bot.services.catalogue import Released
from bot.services.preferences import Answers
from bot.services.runs import Accepted, RunRequest
from bot.slack import text
from bot.slack.blocks import PICK_CHARACTERS, details_notice, notice, usage
from bot.slack.elements import Outgoing
from bot.slack.form_replies import opening
from bot.slack.forms import Prefill, inputs_form, prefill_for
from bot.slack.front_desk import FrontDesk, Reply
from bot.slack.payloads import Call
from workflows.inputs import InvalidInputs


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, read but not yet accepted."""

    released: Released
    values: Mapping[str, str]
    surface: Surface
    visibility: Visibility
    follows: str = ""


async def accept(call: Call, desk: FrontDesk, ask: Ask, actor: Actor) -> Accepted:
    """Put the run on record. Raises NotAuthorized, Outsider, UnknownWorkflow, InvalidInputs."""
    origin = await origin_of(call, desk, ask.surface, ask.visibility)
    return await desk.runs.accept(
        RunRequest(call.dedupe_key, actor, ask.released.name, ask.values, origin, ask.follows)
    )


async def origin_of(call: Call, desk: FrontDesk, surface: Surface, visibility: Visibility) -> Origin:
    """Where the answer will stand and who reads there."""
    is_public = visibility == "channel"
    readers = await desk.people.readers(call.channel, call.person) if is_public else (call.person,)
    return Origin(
        surface=surface,
        team_id=call.team,
        channel_id=call.channel,
        thread_ts=call.thread_ts,
        message_ts=call.message_ts,
        response_url=call.response_url,
        visibility=visibility,
        readers=readers,
    )


async def visibility_of(call: Call, desk: FrontDesk, released: Released) -> Visibility:
    """As `visibility_with`, without a flag, of a person whose setting is not known yet."""
    chosen = await desk.preferences.answers(call.person)
    return visibility_with(chosen, call, released)


def visibility_with(
    chosen: Answers, call: Call, released: Released, *, public: bool = False, private: bool = False
) -> Visibility:
    """A flag counts most, then the person's setting, then what the workflow says."""
    if private or not is_channel(call.channel):
        return "private"
    if public:
        return "channel"
    if chosen == "workflow":
        return "channel" if released.face.visibility == "channel" else "private"
    return "channel" if chosen == "channel" else "private"


def is_channel(channel: str) -> bool:
    """Whether an answer there is read by others; a direct message is not a channel."""
    return channel.startswith(("C", "G"))


async def working_notice(call: Call, desk: FrontDesk, ask: Ask, accepted: Accepted) -> Outgoing:
    """What the person sees at once: taken, and where to look."""
    if accepted.duplicate:
        return notice(text.taken_already(ask.released.title))
    # without a channel the notice stands in a form, which links nowhere
    link = await desk.direct_link(call.person) if call.channel else ""
    where = await _where(call, desk, ask, link)
    words = text.working(ask.released.title, where, accepted.position, accepted.wait_s)
    return notice(words, links=[link] if link else [])


async def _where(call: Call, desk: FrontDesk, ask: Ask, link: str) -> str:
    if ask.visibility == "channel":
        return text.where_channel(link, is_joined=await desk.people.is_joined(call.channel))
    is_here = desk.gateway.known_direct(call.person) == call.channel != ""
    return text.where_here() if is_here else text.where_private(link)


def open_form(call: Call, desk: FrontDesk, ask: Ask, problems: Mapping[str, str]) -> Reply:
    """Ask for what is missing, starting from what was given."""
    prefill = prefill_for(ask.released, ask.values, problems)
    view = form_of(call, ask, prefill)
    return opening(call, desk, view, text.form_expired(ask.released.title, usage(ask.released)))


def form_of(call: Call, ask: Ask, prefill: Prefill) -> dict[str, Any]:
    """The form of a workflow, remembering where it was asked for."""
    return inputs_form(
        ask.released,
        memory_of(call, ask.surface),
        prefill=prefill,
        can_be_public=is_channel(call.channel),
        is_public=ask.visibility == "channel",
    )


def memory_of(call: Call, surface: Surface) -> dict[str, str]:
    """Where a form was opened, for when it comes back."""
    return {**call.place, "surface": surface}


async def accept_message(call: Call, desk: FrontDesk, ask: Ask, actor: Actor) -> Reply:
    """Accept what was asked in a message; a message opens no form, so a button offers it."""
    try:
        await accept(call, desk, ask, actor)
    except InvalidInputs as error:
        value = carried(call, ask, next(iter(ask.values.values()), ""))
        labels = {name: item.label or name for name, item in ask.released.face.inputs.items()}
        wrong = [
            text.input_problem(labels[name], why)
            for name, why in error.problems.items()
            if ask.values.get(name)
        ]
        return Reply(after=lambda: desk.tell(call, details_notice(ask.released, value, wrong)))
    return Reply()


def carried(call: Call, ask: Ask, words: str) -> str:
    """A request as the value of a button."""
    short = words[:PICK_CHARACTERS]
    while True:
        value = json.dumps(
            {
                "w": ask.released.name,
                "q": short,
                "c": call.channel,
                "t": call.thread_ts,
                "m": call.message_ts,
                "s": ask.surface,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        if len(value) <= 1990:
            return value
        # quotes and line breaks take two characters each in JSON
        short = short[: len(short) * 3 // 4]
