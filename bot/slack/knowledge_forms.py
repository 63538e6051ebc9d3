"""The message shortcut "Draft knowledge": a thread becomes a proposed document, without people's names."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from pydantic import ValidationError

from bot.governance.edit_commands import AddKnowledge
from bot.services.actors import Actor
from bot.slack import admin_text as words
from bot.slack import elements as el
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.elements import Outgoing
from bot.slack.form_replies import closing_with, marked, open_form
from bot.slack.incoming import mentions, plain_text, thread_messages
from bot.slack.payloads import Call
from bot.slack.requesting import memory_of, origin_of
from bot.slack.richtext import Block
from bot.slack.text import form_expired
from bot.slack.thread_text import LATER_LEFT_OUT

DRAFT = "knowledge-draft"
"""Callback id of the shortcut and of its form."""

COLLECTION, HEADING, SOURCE = "collection", "heading", "source"
PART, MOST_PARTS = 3000, 20
"""Slack takes 3000 characters in a field; a text goes on in the next: in as many as a
form can hold."""
ROOM = 2200
"""Characters that are put into a field, so that there is room to write more."""

SOMEBODY = "a colleague"
ORDINARY = re.compile(
    r"january|february|march|april|may|june|july|august|september|october|november|"
    r"december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|will|grant|day|"
    r"mark|bill|grace|hope|faith|joy|rose|summer|winter|dawn|frank|art|rich|sue|"
    r"drew|chase|price|young|long|short|white|black|brown|green|gray|king|page|banks|"
    r"case|law|love|church|wood|hall|hill|field|park|best|bush|cook|cross|fox|gill|"
    r"good|hunt|little|miles|noble|penny|pope|reed|rob|rush|sharp|stone|street|"
    r"strong|sterling|swift|ward|wise",
    re.IGNORECASE,
)
"""Words that are also names: as often as not they are meant as words."""
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")


async def draft_of_thread(call: Call, desk: Desk) -> Reply:
    """The form, with the thread's text in it and the thread as its source."""
    actor = await desk.people.actor(call.person)
    collections = await desk.admin.open_collections(actor)
    if not collections:
        return Reply(after=lambda: desk.tell(call, notice(words.no_collections())))

    async def show() -> None:
        text, title = await _thread(desk, call)
        if not text:
            await desk.tell(call, notice(words.no_thread()))
            return
        memory = {**memory_of(call, "shortcut"), SOURCE: _permalink(desk, call)}
        await open_form(call, desk, draft_form(collections, title, text, memory), _late())

    return Reply(after=show)


async def open_draft(call: Call, desk: Desk, actor: Actor, command: AddKnowledge, conversation: str) -> Reply:
    """The same form for what was said in a sentence."""
    collections = await desk.admin.open_collections(actor)
    memory = {**memory_of(call, "shortcut"), "conversation": conversation}
    form = draft_form(collections, command.heading, command.text, memory, chosen=command.collection)
    return Reply(after=lambda: open_form(call, desk, form, _late()))


async def draft_sent(call: Call, desk: Desk) -> Reply:
    """The form, sent off: proposed as a change of the collection, or sent back with what is missing."""
    actor = await desk.people.actor(call.person)
    heading, text = _value(call, HEADING), written(call)
    errors = {HEADING: "Give it a title."} if not heading.strip() else {}
    if not text:
        errors["part0"] = "Write what the document should say."
    if errors:
        return marked(errors)
    source = str(call.metadata.get(SOURCE, ""))
    whole = f"{text}\n\nSource: {source}" if source else text
    try:
        command = AddKnowledge(collection=_chosen(call), heading=heading.strip()[:120], text=whole)
    except ValidationError:
        return marked({"part0": "That is too long for a document."})
    origin = await origin_of(call, desk, "shortcut", "private")
    view = await desk.admin.draft_document(actor, command, origin, call.dedupe_key)
    conversation = str(call.metadata.get("conversation", ""))
    if conversation:
        await desk.admin.cancel(actor, conversation)
    done = notice(words.drafted(view.id))
    return closing_with(call, desk, done)


def draft_form(
    collections: Sequence[str], title: str, text: str, memory: Mapping[str, str], *, chosen: str = ""
) -> Block:
    """Collection, title and text; a long text in several fields."""
    options = [el.option(name, name) for name in collections[:100]]
    menu = el.select(COLLECTION, options, chosen or collections[0])
    return el.modal(
        words.DRAFT_TITLE,
        [
            el.field_block(COLLECTION, "Collection", menu),
            el.field_block(HEADING, "Title", el.text_input(HEADING, title, limit=120, multiline=False)),
            *text_fields(text),
            *([] if len(parts_of(text)) <= MOST_PARTS else [el.context(words.draft_was_cut())]),
            el.context(words.drafting_hint()),
        ],
        callback_id=DRAFT,
        metadata=json.dumps(dict(memory)),
        submit="Propose",
        close="Cancel",
    )


def text_fields(text: str) -> list[Block]:
    """A text to be written on, in as many fields as it needs."""
    parts = parts_of(text)[:MOST_PARTS]
    return [
        el.field_block(
            f"part{number}",
            "Text" if number == 0 else "Text, continued",
            el.text_input(f"part{number}", part),
            optional=number > 0,
        )
        for number, part in enumerate(parts)
    ]


def parts_of(text: str) -> list[str]:
    """A text cut between paragraphs, with room in each part to write more; cut within one if it must be."""
    parts: list[str] = []
    for paragraph in text.split("\n\n"):
        for piece in (paragraph[at : at + PART] for at in range(0, len(paragraph) or 1, PART)):
            if parts and len(parts[-1]) + len(piece) + 2 <= ROOM:
                parts[-1] += f"\n\n{piece}"
            else:
                parts.append(piece)
    return parts


def written(call: Call) -> str:
    """What stands in those fields, each a paragraph of its own."""
    parts = (_value(call, f"part{number}").strip("\n") for number in range(MOST_PARTS))
    return "\n\n".join(part for part in parts if part.strip()).strip()


def without_names(text: str, names: Iterable[str]) -> str:
    """A text without people: their names, the parts of their names, and e-mail addresses.

    A part of a name goes only where it is capitalised; one that is also an ordinary word, only as an address.
    """
    known = {name for name in names if len(name) > 2}
    parts = {part for name in known for part in name.split() if len(part) > 2} - known
    for name in sorted(known, key=len, reverse=True):
        text = re.sub(rf"@?(?<!\w){re.escape(name)}(?!\w)", SOMEBODY, text, flags=re.IGNORECASE)
    for part in sorted(parts, key=len, reverse=True):
        at = "@" if ORDINARY.fullmatch(part) else "@?"
        pattern = rf"{at}(?<!\w){re.escape(part)}(?!\w)"
        text = re.sub(pattern, _unless_small, text, flags=re.IGNORECASE)
    text = _EMAIL.sub("(address removed)", text)
    return re.sub(rf"(?:{SOMEBODY}[ ,]+)+{SOMEBODY}", SOMEBODY, text)


def _unless_small(found: re.Match[str]) -> str:
    return found.group() if found.group().islower() and not found.group().startswith("@") else SOMEBODY


async def _thread(desk: Desk, call: Call) -> tuple[str, str]:
    """Text and title of the thread; empty when we may not read it."""
    found, goes_on = await thread_messages(desk, call.channel, call.thread_ts or call.message_ts)
    messages = [each for each in found if each.get("text")]
    people = {str(each.get("user", "")) for each in messages}
    people |= {person for each in messages for person in mentions(each.get("text") or "")} | {call.person}
    names = await desk.people.names(people)
    said = [plain_text(each["text"], names) for each in messages if not each.get("bot_id")]
    clean = [without_names(each, [*names.values(), *people]) for each in said]
    text = "\n\n".join(each for each in [*clean, LATER_LEFT_OUT if goes_on else ""] if each.strip())
    first = " ".join(clean[0].split()) if clean else ""
    return text, first[:80].rsplit(" ", 1)[0] if len(first) > 80 else first


def _permalink(desk: Desk, call: Call) -> str:
    ts = call.thread_ts or call.message_ts
    return f"{desk.workspace_url}archives/{call.channel}/p{ts.replace('.', '')}" if desk.workspace_url else ""


def _late() -> Outgoing:
    return notice(form_expired(words.DRAFT_KNOWLEDGE, ""))


def _value(call: Call, name: str) -> str:
    return str(((call.state.get(name) or {}).get(name) or {}).get("value") or "")


def _chosen(call: Call) -> str:
    menu = (call.state.get(COLLECTION) or {}).get(COLLECTION) or {}
    return str((menu.get("selected_option") or {}).get("value") or "")


KNOWLEDGE_SHORTCUTS: Mapping[str, Handler] = {DRAFT: draft_of_thread}
KNOWLEDGE_VIEWS: Mapping[str, Handler] = {DRAFT: draft_sent}
