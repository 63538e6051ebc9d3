"""A prompt too long for a form: given out as a file in the direct messages, and read when it comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.adapters.store.drafts_log import StoredDraft
from bot.services.access import NotAuthorized
from bot.services.actors import Actor, Origin
from bot.services.change_errors import AlreadyProposed, NothingChanged
from bot.services.content_checks import InvalidContent
from bot.services.drafting import BaseMoved, Edit, Editing
from bot.slack import edit_text as text
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Reply
from bot.slack.edit_memory import edit_of
from bot.slack.edit_views import read_prompt, read_reason
from bot.slack.file_exchange import fetch_text, put_text
from bot.slack.forms import notice_view
from bot.slack.incoming import plain_text
from bot.slack.long_text import normal
from bot.slack.payloads import Call
from workflows.prompt_edits import PromptFlaw, prompt_body, prompt_flaws, prompt_text, variables_for

WAITING = "file"
"""What a draft is kept under while its file is with its author."""
LINES = 10


async def as_file(call: Call, desk: Desk) -> Reply:
    """From the form of a prompt: what was typed goes into a file."""
    actor = await desk.people.actor(call.person)
    joined = read_prompt(call.state, call.metadata.get("s") or ())
    edit = edit_of(call, joined.text, read_reason(call.state))
    live = await desk.drafting.live(edit.target)
    kept = await desk.drafting.keep(
        actor, replace(edit, content=prompt_text(joined.text, live.text)), WAITING
    )
    editing = await desk.drafting.standing(actor, kept)
    return Reply(after=lambda: offer_file(call, desk, editing))


async def offer_file(call: Call, desk: Desk, editing: Editing) -> None:
    """Post the text as a file in a thread of the direct messages, and say so where it was asked for."""
    edit = editing.edit
    body = prompt_body(edit.content)
    channel = await desk.gateway.direct_channel(call.person)
    placed = await desk.gateway.post(channel, notice(text.file_offer(edit.target, len(body))))
    await put_text(
        desk.gateway, placed.channel, placed.ts, name=f"{edit.target.name}.md", content=body + "\n"
    )
    actor = await desk.people.actor(call.person)
    waiting = {"channel": placed.channel, "thread": placed.ts}
    await desk.drafting.keep(actor, replace(edit, unfinished=waiting), WAITING)
    if call.view_id:
        view = notice_view("Edit a prompt", text.file_in_direct(edit.target))
        await desk.gateway.update_view(call.view_id, view)
    elif call.channel != placed.channel:
        link = await desk.direct_link(call.person)
        words = text.file_elsewhere(edit.target, link)
        await desk.tell(call, notice(words, links=[link] if link else []))


async def uploaded(call: Call, desk: Desk) -> Reply | None:
    """A file written to us: the edited text of a prompt, or one that is not read; None without a file."""
    files = _files(call)
    if not files:
        return None
    actor = await desk.people.actor(call.person)
    if actor.is_outsider:
        return None
    found = _meant(await desk.drafting.drafts(actor), call, files)
    if found is None:
        return Reply(after=lambda: desk.tell(call, notice(text.file_not_read())))
    draft, file = found
    return Reply(after=lambda: _take(call, desk, actor, draft, file))


def _files(call: Call) -> Sequence[Mapping[str, Any]]:
    event = call.raw.get("event") or {}
    return [each for each in event.get("files") or () if isinstance(each, Mapping)]


def _meant(
    drafts: Sequence[StoredDraft], call: Call, files: Sequence[Mapping[str, Any]]
) -> tuple[StoredDraft, Mapping[str, Any]] | None:
    """The draft whose thread it is, else the one whose name the file bears."""
    waiting = [draft for draft in drafts if draft.kind == "prompt" and draft.unfinished.get("thread")]
    for draft in waiting:
        if call.thread_ts and draft.unfinished["thread"] == call.thread_ts:
            return draft, files[0]
    for draft in waiting:
        for file in files:
            if str(file.get("name", "")).startswith(draft.name):
                return draft, file
    return None


async def _take(call: Call, desk: Desk, actor: Actor, draft: StoredDraft, file: Mapping[str, Any]) -> None:
    """Read the file, look at it, propose it; every answer stands in the file's thread."""
    editing = await desk.drafting.resume(actor, draft.id)
    url = str(file.get("url_private_download") or file.get("url_private") or "")
    body = prompt_body(normal(await fetch_text(desk.gateway, url, str(file.get("name", "")))))
    reason = plain_text(call.text) or draft.reason
    content = prompt_text(body, editing.live.text)
    edit = replace(editing.edit, content=content, reason=" ".join(reason.split())[:300])
    flaws = prompt_flaws(body, variables_for(edit.target.name, editing.live.users))
    if flaws:
        await desk.drafting.keep(actor, edit, WAITING)
        words = text.file_flaws(_lines(body, flaws))
    else:
        words = await _proposed(call, desk, actor, await desk.drafting.keep(actor, edit, WAITING), editing)
    thread = draft.unfinished.get("thread") or call.thread_ts
    await desk.gateway.post(call.channel, notice(words), thread_ts=thread)


async def _proposed(call: Call, desk: Desk, actor: Actor, edit: Edit, editing: Editing) -> str:
    """What came of proposing it, as a sentence."""
    origin = Origin("dm", call.team, call.channel, call.thread_ts, call.message_ts, readers=(actor.id,))
    try:
        made = await desk.drafting.propose(actor, edit, origin)
    except BaseMoved as error:
        live = await desk.drafting.live(edit.target)
        await desk.drafting.keep(actor, replace(edit, base_hash=live.hash), WAITING)
        return text.file_moved(error.facts["by"])
    except NotAuthorized as error:
        return text.revoked(edit.target.workflow, str(error.facts.get("ask", "")).split(","))
    except NothingChanged:
        return text.nothing_to_propose()
    except AlreadyProposed as error:
        return text.already_proposed(error.facts["change"])
    except InvalidContent as error:
        return text.file_flaws(error.problems)
    return text.proposed(editing.edit.target, made.change.id, made.place)


def _lines(body: str, flaws: Sequence[PromptFlaw]) -> list[str]:
    lines = [
        text.line_flaw(body[: flaw.offset].count("\n") + 1, flaw.hole, flaw.message) for flaw in flaws[:LINES]
    ]
    return [*lines, f"and {len(flaws) - LINES} more"] if len(flaws) > LINES else lines
