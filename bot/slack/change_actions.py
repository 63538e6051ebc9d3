"""Buttons, forms and commands of change requests."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.governance.changes import POLICIES, ChangeStatus, Target
from bot.services.actors import Actor, Origin
from bot.services.change_errors import NeedsOverride, NotItsAuthor
from bot.services.change_views import ChangeView
from bot.services.edit_targets import FORMS
from bot.services.targets import UnknownTarget
from bot.slack import change_blocks as blocks
from bot.slack import change_text as said
from bot.slack import text
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.edit_forms import open_editor
from bot.slack.form_replies import closing, saying
from bot.slack.gateway import SlackRefused
from bot.slack.identities import PersonUnknown
from bot.slack.payloads import Call, UnreadableClick
from bot.slack.requesting import is_channel
from bot.slack.richtext import Block


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button of a change request carries."""

    change: str
    round: int


async def approve(call: Call, desk: Desk) -> Reply:
    """Approve; where a case fails, ask why first."""
    pressed, actor = _pressed(call), await desk.people.actor(call.person)
    try:
        view = await desk.changes.approve(
            actor, pressed.change, round_number=pressed.round, present=await _present(desk, pressed.change)
        )
    except NeedsOverride as error:
        return _ask(call, desk, "override", said.needs_override(error.facts["cases"]))
    return _told(call, desk, view)


async def ask(call: Call, desk: Desk) -> Reply:
    """Open the form for what should be different."""
    return _ask(call, desk, "ask")


async def reject(call: Call, desk: Desk) -> Reply:
    """Open the form for why not."""
    return _ask(call, desk, "reject")


async def reason_sent(call: Call, desk: Desk) -> Reply:
    """A decision with its reason. What is refused leaves the form, and what was typed, where it is."""
    pressed = Pressed(str(call.metadata.get("change", "")), int(call.metadata.get("round", 0)))
    field = (call.state.get("reason") or {}).get(blocks.REASON) or {}
    actor, words = await desk.people.actor(call.person), str(field.get("value") or "")
    act = str(call.metadata.get("act", ""))
    if act == "override":
        present = await _present(desk, pressed.change)
        view = await desk.changes.approve(
            actor, pressed.change, words, round_number=pressed.round, present=present
        )
    elif act == "ask":
        view = await desk.changes.request_changes(actor, pressed.change, words, round_number=pressed.round)
    elif act == "reject":
        view = await desk.changes.reject(actor, pressed.change, words, round_number=pressed.round)
    else:
        raise UnreadableClick(call.name)
    return closing(_told(call, desk, view).after)


async def withdraw(call: Call, desk: Desk) -> Reply:
    """Take one's own back."""
    await desk.changes.withdraw(await desk.people.actor(call.person), _pressed(call).change)
    return Reply()


async def undo(call: Call, desk: Desk) -> Reply:
    """Put back what stood before."""
    await desk.changes.undo(await desk.people.actor(call.person), _pressed(call).change)
    return Reply()


async def rebase(call: Call, desk: Desk) -> Reply:
    """Propose a stale one on today's version."""
    await desk.changes.rebase(await desk.people.actor(call.person), _pressed(call).change)
    return Reply()


async def revise(call: Call, desk: Desk) -> Reply:
    """Open its author's text again; sending it is the next round. Raises NotItsAuthor."""
    view = await desk.changes.view(_pressed(call).change)
    if call.person != view.author:
        raise NotItsAuthor(view.id, view.author)
    if view.target.kind not in FORMS:
        return Reply(after=lambda: desk.tell(call, notice(said.how_to_revise())))
    return await open_editor(call, desk, view.target, text=view.content, why=view.reason)


async def show_all(call: Call, desk: Desk) -> Reply:
    """The whole difference, in a modal."""
    view = await desk.changes.view(_pressed(call).change)
    return _open(call, desk, blocks.whole_view(view))


async def show_tests(call: Call, desk: Desk) -> Reply:
    """Every case on both sides, in a modal."""
    change = _pressed(call).change
    view, reports = await desk.changes.view(change), await desk.changes.reports(change)
    return _open(call, desk, blocks.tests_view(view, reports))


async def roll_back_pressed(call: Call, desk: Desk) -> Reply:
    """Go back to the version of the button."""
    name, _, numbers = call.value.partition("|")
    to, _, live = numbers.partition("|")
    if not (to.isdecimal() and live.isdecimal()):
        raise UnreadableClick(call.name)
    actor = await desk.people.actor(call.person)
    view = await desk.changes.roll_back(
        actor, read_target(name), int(to), origin=_origin(call), expected=int(live)
    )
    return Reply(after=lambda: desk.tell(call, notice(said.rolled_back(view))))


async def changes(call: Call, desk: Desk, _rest: str) -> Reply:
    """`changes`: those that are open."""
    actor = await desk.people.actor(call.person)
    views = await desk.changes.recent(actor, is_open=True)
    links = await desk.changes.places([view.id for view in views])
    shown = {change: _link(desk, *place) for change, place in links.items()}
    return saying(desk, blocks.changes_list(views, {key: link for key, link in shown.items() if link}))


async def history(call: Call, desk: Desk, rest: str) -> Reply:
    """`history <workflow or prompt>`: every version, who made it live and when."""
    name = _name(rest)
    if not name:
        return saying(desk, notice(said.how_to_see_history()))
    actor = await desk.people.actor(call.person)
    target = await find_target(desk, name)
    found = await desk.changes.history(actor, target)
    return saying(desk, blocks.history_message(found, await desk.changes.title_of(target)))


async def roll_back(call: Call, desk: Desk, rest: str) -> Reply:
    """`rollback <workflow or prompt> [version]`: what was live before is live again."""
    name, _, number = _name(rest).partition(" ")
    if not name:
        return saying(desk, notice(said.how_to_roll_back()))
    actor = await desk.people.actor(call.person)
    asked: Target | str = name if _is_workflow(name) else await find_target(desk, name)
    wanted = number.strip().removeprefix("v")
    if wanted.isdecimal():
        asked = await find_target(desk, name)
    view = await desk.changes.roll_back(
        actor, asked, int(wanted) if wanted.isdecimal() else None, origin=_origin(call)
    )
    return saying(desk, notice(said.rolled_back(view)))


def read_target(name: str) -> Target:
    """A target as it is written: `prompt:ask-policy.answer`. Raises UnreadableClick."""
    written, _, rest = name.partition(":")
    kind = next((each for each in POLICIES if each == written), None)
    if kind is None or not rest:
        raise UnreadableClick(name)
    return Target(kind, rest)


async def find_target(desk: Desk, name: str) -> Target:
    """What somebody means by a name: `ask-policy`, `ask-policy.answer`, `ask-policy/route`, `models`.

    Of a workflow, what moved last. Raises UnknownTarget.
    """
    if ":" in name:
        return read_target(name)
    if name == "models":
        return Target("models", name)
    workflow = name.partition("/")[0].partition(".")[0]
    own = await desk.changes.own_targets(workflow)
    if not own:
        kind = "document" if "/" in name else "workflow"
        if kind == "document":
            return Target("document", name)
        raise UnknownTarget(Target("workflow", workflow))
    if name == workflow:
        return own[0]
    return Target("rules" if "/" in name else "prompt", name)


async def _present(desk: Desk, change: str) -> dict[str, Actor]:
    """Those who approved before, as they are now; whom Slack does not tell of is taken as they were."""
    found = {}
    for review in (await desk.changes.view(change)).reviews:
        if review.verdict == "approve":
            try:
                found[review.person] = await desk.people.actor(review.person)
            except PersonUnknown:
                continue
    return found


def _told(call: Call, desk: Desk, view: ChangeView) -> Reply:
    """What the message does not show at once."""
    words = ""
    if view.status is ChangeStatus.STALE:
        words = said.went_stale()
    elif view.status is ChangeStatus.APPROVED:
        words = said.left_open()
    elif view.status is ChangeStatus.IN_REVIEW:
        words = said.counted(view)
    return Reply(after=lambda: desk.tell(call, notice(words))) if words else Reply()


def _ask(call: Call, desk: Desk, act: str, warning: str = "") -> Reply:
    pressed = _pressed(call)
    metadata = {
        "act": act,
        "change": pressed.change,
        "round": pressed.round,
        "channel": call.channel,
        "response_url": call.response_url,
    }
    form = blocks.reason_form(act, call.value, json.dumps(metadata), warning=warning)
    return _open(call, desk, form, said.TITLES[act])


def _open(call: Call, desk: Desk, view: Block, title: str = "") -> Reply:
    async def show() -> None:
        try:
            await desk.gateway.open_view(call.trigger_id, view)
        except SlackRefused:
            await desk.tell(call, notice(text.form_expired(title or view["title"]["text"], "")))

    return Reply(after=show)


def _pressed(call: Call) -> Pressed:
    change, _, number = call.value.partition(":")
    if not change or not number.isdecimal():
        raise UnreadableClick(call.name)
    return Pressed(change, int(number))


def _origin(call: Call) -> Origin:
    return Origin(
        "command",
        team_id=call.team,
        channel_id=call.channel if is_channel(call.channel) else "",
        message_ts=call.message_ts,
    )


def _name(rest: str) -> str:
    return " ".join(rest.replace("`", "").split()).removeprefix("/")


def _is_workflow(name: str) -> bool:
    return name != "models" and not set(name) & set("./:")


def _link(desk: Desk, channel: str, ts: str) -> str:
    """A link to a message, as Slack writes them."""
    if not (desk.workspace_url and channel and ts):
        return ""
    return f"{desk.workspace_url}archives/{channel}/p{ts.replace('.', '')}"


CHANGE_ACTIONS: Mapping[str, Handler] = {
    blocks.APPROVE: approve,
    blocks.ASK: ask,
    blocks.REJECT: reject,
    blocks.WITHDRAW: withdraw,
    blocks.UNDO: undo,
    blocks.REBASE: rebase,
    blocks.REVISE: revise,
    blocks.SHOW_ALL: show_all,
    blocks.SHOW_TESTS: show_tests,
    blocks.ROLL_BACK: roll_back_pressed,
}
CHANGE_VIEWS: Mapping[str, Handler] = {blocks.REASON_FORM: reason_sent}
CHANGE_COMMANDS: Mapping[str, Callable[[Call, Desk, str], Awaitable[Reply]]] = {
    "changes": changes,
    "history": history,
    "rollback": roll_back,
}
"""Words after `/spanwise`."""
