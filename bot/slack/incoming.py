"""What people wrote in Slack as plain text, and which inputs of a workflow it fills."""

import html
import re
from collections.abc import Mapping
from typing import Any

from bot.services.catalogue import Released
from bot.services.run_views import RunView
from bot.slack.desk import Desk
from bot.slack.gateway import SlackBusy, SlackRefused, SlackUncertain
from bot.slack.thread_text import EARLIER_LEFT_OUT, LATER_LEFT_OUT

THREAD_MESSAGES, THREAD_PAGES = 200, 5
"""Messages that Slack gives at a time, and how many times it is asked: a form that is sent waits for it."""
_TOKEN = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
SELF_CONTAINED_WORDS = 5
_LEANS = re.compile(
    r"^(and|but|or|so|also|then|if|what about|how about|what if|why|even|only|for|in|at|with|ok|yes|no)\b"
    r"|\b(it|its|that|this|these|those|they|them|their|there|same|instead|otherwise|such|else)\b",
    re.IGNORECASE,
)
"""Beginnings and words that point back at something said before."""
_ADDRESS = re.compile(r"\s*<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


def plain_text(raw: str, names: Mapping[str, str] | None = None) -> str:
    """Slack's markup as the words a reader sees."""
    known = names or {}

    def word(found: re.Match[str]) -> str:
        sign, inner, label = found.groups()
        if sign == "@":
            return f"@{label or known.get(inner, inner)}"
        if sign == "#":
            return f"#{label or inner}"
        if sign == "!":
            return label or f"@{inner.split('^')[0]}"
        return f"{label} ({inner})" if label and label not in inner else inner

    return html.unescape(_TOKEN.sub(word, raw)).strip()


def without_mention(raw: str, bot_user: str) -> str:
    """The message without our own name in it."""
    kept = _MENTION.sub(lambda found: "" if found.group(1) == bot_user else found.group(), raw)
    return kept.strip().removeprefix(",").removeprefix(":").strip()


def addressee(raw: str) -> str:
    """Whom a message begins by naming; empty when nobody."""
    found = _ADDRESS.match(raw)
    return found.group(1) if found else ""


def mentions(raw: str) -> frozenset[str]:
    """Everyone named in a message."""
    return frozenset(_MENTION.findall(raw))


async def thread_messages(desk: Desk, channel: str, thread_ts: str) -> tuple[list[Mapping[str, Any]], bool]:
    """What people and apps said in a thread, oldest first, and whether more follows than was read.

    Nothing when we may not read it.
    """
    messages: list[Mapping[str, Any]] = []
    cursor = ""
    for _ in range(THREAD_PAGES):
        try:
            answer = await desk.gateway.call(
                "conversations_replies", channel=channel, ts=thread_ts, limit=THREAD_MESSAGES, cursor=cursor
            )
        except (SlackBusy, SlackRefused, SlackUncertain):
            return messages, bool(messages)
        messages += answer.get("messages") or ()
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return messages, bool(cursor)


async def thread_text(desk: Desk, channel: str, thread_ts: str) -> str:
    """A whole thread as `Name: words` lines, and a note where it goes on; empty when we may not read it."""
    messages, goes_on = await thread_messages(desk, channel, thread_ts)
    people = {message.get("user", "") for message in messages}
    people |= {person for message in messages for person in mentions(message.get("text") or "")}
    names = await desk.people.names(people)
    lines = [
        f"{names.get(message.get('user', ''), 'Somebody')}: {plain_text(message.get('text') or '', names)}"
        for message in messages
        if message.get("text") and not message.get("bot_id")
    ]
    return "\n".join([*lines, LATER_LEFT_OUT] if goes_on else lines)


def fitting(thread: str, limit: int) -> str:
    """The end of a thread that is too long for its input, with a note: the newest is what people act on."""
    if len(thread) <= limit:
        return thread
    kept = thread[len(thread) - limit + len(EARLIER_LEFT_OUT) + 1 :]
    return f"{EARLIER_LEFT_OUT}\n{kept.partition(chr(10))[2] or kept}"


async def thread_for(desk: Desk, released: Released, channel: str, thread_ts: str) -> str:
    """The thread for a workflow that takes one; empty for others, and outside of a thread."""
    return await thread_text(desk, channel, thread_ts) if thread_ts and wants_thread(released) else ""


def values_from(released: Released, message: str, thread: str) -> dict[str, str]:
    """Inputs marked `from: message` and `from: thread`; without a mark, the first text input."""
    marked: dict[str, str] = {}
    for name, item in released.face.inputs.items():
        if item.source == "message" and message:
            marked[name] = message
        elif item.source == "thread" and (thread or message):
            marked[name] = fitting(thread, item.max_length) if thread else message
    if marked:
        return marked
    first = primary_input(released)
    return {first: message or thread} if first and (message or thread) else {}


def primary_input(released: Released) -> str:
    """The input that a message fills: the marked one, else the first text input, else none."""
    inputs = released.face.asked_inputs
    marked = [name for name, item in inputs.items() if item.source]
    texts = [name for name, item in inputs.items() if item.kind == "text"]
    return next(iter([*marked, *texts]), "")


def leans_on_before(words: str) -> bool:
    """Whether a reply is only understood with what was asked before, as far as its words show."""
    return len(words.split()) < SELF_CONTAINED_WORDS or bool(_LEANS.search(words))


def earlier_from(released: Released, before: RunView, name: str, words: str) -> dict[str, str]:
    """What was asked before in a conversation, newest last, for inputs marked `from: earlier`.

    Empty when the new words stand on their own: a change of subject should not drag the old one along.
    """
    found = {key: "" for key, item in released.face.inputs.items() if item.source == "earlier"}
    if not leans_on_before(words):
        return found
    for key, item in released.face.inputs.items():
        if item.source == "earlier":
            said = f"{before.inputs.get(key, '')} {before.inputs.get(name, '')}".strip()
            found[key] = said[-item.max_length :]
    return found


def wants_thread(released: Released) -> bool:
    """Whether a whole thread belongs into one of its inputs."""
    return any(item.source == "thread" for item in released.face.inputs.values())
