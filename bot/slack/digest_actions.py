"""The weekly digest in Slack: `/spanwise digest`, and the buttons of its findings."""

from collections.abc import Awaitable, Callable, Mapping
from html import unescape
from typing import Any

from bot.quality.digest_findings import Act, FindingKind
from bot.quality.digest_request import DigestRequest, read_request
from bot.services.actors import Actor
from bot.services.digest_acting import Revision
from bot.slack import digest_blocks as blocks
from bot.slack import digest_finding_text as found
from bot.slack import digest_forms as forms
from bot.slack import digest_text as words
from bot.slack.admin_text import drafted
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.edit_forms import open_editor
from bot.slack.edit_views import menu_message
from bot.slack.form_replies import closing_with, marked, opening, saying, telling
from bot.slack.gateway import SlackBusy, SlackRefused, SlackUncertain
from bot.slack.knowledge_forms import MOST_PARTS, PART, draft_sent, parts_of, written
from bot.slack.payloads import Call, UnreadableClick
from bot.slack.requesting import is_channel, origin_of
from bot.slack.text import form_expired
from bot.slack.triage_forms import CONTAIN, read_case
from bot.slack.triage_text import expects_nothing
from workflows.versions import content_hash


class PlaceClosed(Exception):
    """A digest cannot come to that channel; fact `why` is `archived` or `not_member`."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(place)
        self.facts = {"place": place, "why": why}


async def digest(call: Call, desk: Desk, rest: str) -> Reply:
    """`digest`, `digest now`, `digest here monday 09:00 Europe/London`, `digest #leads off`, ..."""
    actor = await desk.people.actor(call.person)
    asked = read_request(unescape(rest), await desk.digests.names())
    if asked.wish == "show":
        return saying(desk, blocks.settings_message(await desk.digests.settings(actor)))
    place, zone = _place(call, asked), await desk.people.zone(call.person)
    if asked.wish == "now":
        await desk.digests.preview(actor, place, zone, call.dedupe_key)
        link = await desk.direct_link(call.person)
        return saying(desk, notice(words.being_made(link), links=[link] if link else []))
    if asked.wish == "off":
        view = await desk.digests.switch(actor, place, zone, is_on=False)
        return saying(desk, blocks.set_message(view))
    if place:
        await _look_at(desk, place)
    if asked.wish == "on":
        return saying(desk, blocks.set_message(await desk.digests.switch(actor, place, zone, is_on=True)))
    return saying(desk, blocks.set_message(await desk.digests.set(actor, place, asked, zone)))


async def fix(call: Call, desk: Desk) -> Reply:
    """The editor of the one prompt, or what there is to edit."""
    actor = await desk.people.actor(call.person)
    finding = await desk.digest_acts.open_finding(actor, call.value)
    if finding.kind is FindingKind.STALE:
        return _revise(call, desk, await desk.digest_acts.revision(actor, finding.id))
    menu, target = await desk.digest_acts.begin_fix(actor, call.value)
    if target is None:
        return Reply(after=lambda: desk.tell(call, menu_message(menu)))
    return await open_editor(call, desk, target, why=found.reason(finding))


def _revise(call: Call, desk: Desk, revision: Revision) -> Reply:
    parts = parts_of(revision.text)
    # cut within a paragraph, it would not be put together as it was
    if len(parts) > MOST_PARTS or any(len(each) > PART for each in revision.text.split("\n\n")):
        return telling(call, desk, found.too_long_to_revise(revision.title))
    memory = {**call.place, "finding": call.value, "base": content_hash(revision.text)}
    late = form_expired(found.BUTTONS[Act.FIX], "")
    return opening(call, desk, forms.revision_form(revision, memory), late)


async def revision_sent(call: Call, desk: Desk) -> Reply:
    """Another text of an old document, to propose."""
    text, finding_id = written(call), call.remembered("finding")
    if not text:
        return marked({"part0": "Write what the document should say."})
    actor = await desk.people.actor(call.person)
    finding = await desk.digest_acts.open_finding(actor, finding_id)
    change = await desk.digest_acts.revise(
        actor,
        finding_id,
        f"{text}\n",
        found.reason(finding),
        await origin_of(call, desk, "shortcut", "private"),
        base_hash=call.remembered("base"),
        key=call.dedupe_key,
    )
    return closing_with(call, desk, notice(drafted(change)))


async def case(call: Call, desk: Desk) -> Reply:
    """The form of a golden case."""
    actor = await desk.people.actor(call.person)
    draft = await desk.digest_acts.case_draft(actor, call.value)
    form = forms.case_form(draft, {**call.place, "finding": call.value})
    return opening(call, desk, form, form_expired(found.BUTTONS[Act.CASE], ""))


async def case_sent(call: Call, desk: Desk) -> Reply:
    """A golden case to keep."""
    inputs, expect, why = read_case(call.state)
    if not expect:
        return marked({CONTAIN: expects_nothing()})
    actor, finding_id = await desk.people.actor(call.person), call.remembered("finding")
    finding = await desk.digest_acts.open_finding(actor, finding_id)
    key = await desk.digest_acts.add_case(actor, finding_id, inputs, expect, why)
    return closing_with(call, desk, notice(found.case_added(key, finding.workflow)))


async def knowledge(call: Call, desk: Desk) -> Reply:
    """The form of a document."""
    actor = await desk.people.actor(call.person)
    finding = await desk.digest_acts.open_finding(actor, call.value)
    collections = await desk.admin.open_collections(actor)
    if not collections:
        return Reply(after=lambda: desk.tell(call, notice(found.no_collections())))
    form = forms.knowledge_form(finding, collections, {**call.place, "finding": call.value})
    return opening(call, desk, form, form_expired(found.BUTTONS[Act.KNOWLEDGE], ""))


async def knowledge_sent(call: Call, desk: Desk) -> Reply:
    """A document to propose; the finding is settled when it could be."""
    actor, finding_id = await desk.people.actor(call.person), call.remembered("finding")
    await desk.digest_acts.open_finding(actor, finding_id)
    reply = await draft_sent(call, desk)
    if (reply.ack or {}).get("response_action") == "clear":
        await desk.digest_acts.decide(actor, finding_id, Act.KNOWLEDGE)
    return reply


async def assign(call: Call, desk: Desk) -> Reply:
    """Give it to whoever was chosen."""
    action: Mapping[str, Any] = (call.raw.get("actions") or [{}])[0]
    kind, _, finding_id = str(action.get("block_id", "")).partition(":")
    person = str(action.get("selected_user") or "")
    if kind != "finding" or not person:
        raise UnreadableClick(call.name)
    actor = await desk.people.actor(call.person)
    receiver: Actor = await desk.people.actor(person)
    await desk.digest_acts.assign(actor, finding_id, receiver)
    return Reply(after=lambda: desk.tell(call, notice(found.was_given(person), mentions=[person])))


async def dismiss(call: Call, desk: Desk) -> Reply:
    """Not a problem."""
    actor = await desk.people.actor(call.person)
    await desk.digest_acts.decide(actor, call.value, Act.DISMISS)
    return Reply()


async def take_back(call: Call, desk: Desk) -> Reply:
    """Let it wait again."""
    actor = await desk.people.actor(call.person)
    await desk.digest_acts.take_back(actor, call.value)
    return Reply()


def _place(call: Call, asked: DigestRequest) -> str:
    """The channel that is meant; empty for the person's own digest."""
    if asked.place == "here":
        return call.channel if is_channel(call.channel) else ""
    return asked.place


async def _look_at(desk: Desk, place: str) -> None:
    """The bot can post there. Raises PlaceClosed."""
    try:
        info = (await desk.gateway.call("conversations_info", channel=place)).get("channel") or {}
    except (SlackBusy, SlackRefused, SlackUncertain) as error:
        if isinstance(error, SlackRefused) and error.reason == "channel_not_found":
            raise PlaceClosed(place, "not_member") from error
        # not known now; whoever sets it is told when the digest cannot be posted
        return
    if info.get("is_archived"):
        raise PlaceClosed(place, "archived")
    if not info.get("is_member", True):
        raise PlaceClosed(place, "not_member")


DIGEST_SUBCOMMANDS: Mapping[str, Callable[[Call, Desk, str], Awaitable[Reply]]] = {"digest": digest}


async def further(call: Call, desk: Desk) -> Reply:
    """The findings of less weight, in the thread."""
    actor = await desk.people.actor(call.person)
    await desk.digest_acts.tell_further(actor, call.value)
    return Reply(after=lambda: desk.tell(call, notice(words.further_told())))


DIGEST_ACTIONS: Mapping[str, Handler] = {
    blocks.FIX: fix,
    blocks.CASE: case,
    blocks.KNOWLEDGE: knowledge,
    blocks.ASSIGN: assign,
    blocks.DISMISS: dismiss,
    blocks.TAKE_BACK: take_back,
    blocks.SHOW_FURTHER: further,
}
DIGEST_VIEWS: Mapping[str, Handler] = {
    forms.CASE_FORM: case_sent,
    forms.KNOWLEDGE_FORM: knowledge_sent,
    forms.REVISION_FORM: revision_sent,
}
