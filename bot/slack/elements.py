"""The small pieces of Block Kit that messages and modals are made of, with text escaped as it enters."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from bot.slack.richtext import Block, visible

_PERSON = re.compile(r"[UW][A-Z0-9]{2,30}")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message before it is sealed. What it may mention and link to is said here, and nothing else is."""

    text: str
    """Plain words for notifications and screen readers."""
    blocks: tuple[Block, ...] = ()
    mentions: frozenset[str] = frozenset()
    """Ids of people that the blocks mention on purpose."""
    links: frozenset[str] = field(default=frozenset())
    """URLs that the blocks link to on purpose."""


def escape(text: str) -> str:
    """Text of people, documents and models as mrkdwn that shows it and does nothing."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, the last an ellipsis when something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int) -> str:
    """Escaped, on one line, for quoting what somebody wrote."""
    return escape(shorten(" ".join(visible(text).split()), limit))


def is_person(name: str) -> bool:
    """Whether this is the id of a person rather than a name."""
    return bool(_PERSON.fullmatch(name))


def mention(person: str) -> str:
    """A person's name as a mention; the message must list the id in its mentions."""
    return f"<@{person}>" if is_person(person) else escape(person)


def naming(text: str, name: str, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """Escaped, with the id of a person as a mention, which the message lists; a user group by its handle."""
    said = escape(text)
    shown = mention(name) if is_person(name) else escape(names.get(name, ""))
    return re.sub(rf"\b{name}\b", lambda _: shown, said) if shown else said


OUR_NAMES: Mapping[str, str] = {
    "library": "the product",
    "settings": "the settings",
    "terminal": "an operator",
    "spanwise": "me",
    "": "somebody",
}
"""Actors that are no people."""


def who(name: str) -> str:
    """Somebody or something that did something: a mention, or a name of ours in words."""
    return OUR_NAMES.get(name) or mention(name)


def moment(at: datetime) -> str:
    """A time in the reader's own zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def plain(text: str) -> Block:
    """A plain text object."""
    return {"type": "plain_text", "text": text or " ", "emoji": True}


def mrkdwn(text: str) -> Block:
    """A mrkdwn object that Slack does not search for URLs and names to link."""
    return {"type": "mrkdwn", "text": text or " ", "verbatim": True}


def header(text: str) -> Block:
    """A heading."""
    return {"type": "header", "text": plain(text)}


def section(text: str, accessory: Block | None = None) -> Block:
    """A paragraph of mrkdwn, with an element at its side or none."""
    block: Block = {"type": "section", "text": mrkdwn(text)}
    return {**block, "accessory": accessory} if accessory else block


def context(*texts: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def divider() -> Block:
    """A line."""
    return {"type": "divider"}


def actions(*elements: Block, block_id: str = "") -> Block:
    """A row of buttons."""
    block: Block = {"type": "actions", "elements": list(elements)}
    return {**block, "block_id": block_id} if block_id else block


def button(label: str, action_id: str, value: str, *, style: str = "", about: str = "") -> Block:
    """A button; `about` is what a screen reader says, after the label where that is not in it.

    Who speaks to the machine says what they see (WCAG 2.2, success criterion 2.5.3).
    """
    made: Block = {"type": "button", "text": plain(label), "action_id": action_id, "value": value}
    if style:
        made["style"] = style
    if about:
        is_said = label.casefold() in about.casefold()
        made["accessibility_label"] = shorten(about if is_said else f"{label}: {about}", 75)
    return made


def confirming(element: Block, *, title: str, text: str, yes: str, no: str) -> Block:
    """The element with a question before it acts."""
    dialog = {"title": plain(title), "text": plain(text), "confirm": plain(yes), "deny": plain(no)}
    return {**element, "confirm": dialog}


def votes(action_id: str, run_id: str, good: str, bad: str) -> Block:
    """Thumbs. Slack sends every change of mind and keeps no state, so the value says all."""
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": action_id,
                "positive_button": {
                    "text": plain("👍"),
                    "value": f"up:{run_id}",
                    "accessibility_label": good,
                },
                "negative_button": {
                    "text": plain("👎"),
                    "value": f"down:{run_id}",
                    "accessibility_label": bad,
                },
            }
        ],
    }


def option(label: str, value: str, about: str = "") -> Block:
    """One choice of a menu or a set of checkboxes."""
    made: Block = {"text": plain(shorten(label, 75)), "value": value}
    return {**made, "description": plain(shorten(about, 75))} if about else made


def text_input(
    action_id: str, value: str = "", *, limit: int = 3000, multiline: bool = True, hint: str = ""
) -> Block:
    """A field for text; Slack allows 3000 characters in one."""
    made: Block = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": multiline,
        "max_length": min(limit, 3000),
    }
    if value:
        made["initial_value"] = value[: min(limit, 3000)]
    return {**made, "placeholder": plain(shorten(hint, 150))} if hint else made


def select(action_id: str, choices: Iterable[Block], chosen: str = "") -> Block:
    """A menu, with the option of that value chosen when it is there."""
    options = list(choices)
    made: Block = {"type": "static_select", "action_id": action_id, "options": options}
    first = next((item for item in options if item["value"] == chosen), None)
    return {**made, "initial_option": first} if first else made


def field_block(
    block_id: str, label: str, element: Block, *, hint: str = "", optional: bool = False
) -> Block:
    """A labelled input of a modal."""
    made: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "optional": optional,
    }
    return {**made, "hint": plain(hint)} if hint else made


def modal(
    title: str,
    blocks: Iterable[Block],
    *,
    callback_id: str = "",
    metadata: str = "",
    submit: str = "",
    close: str = "Close",
) -> Block:
    """A modal view."""
    view: Block = {"type": "modal", "title": plain(title), "close": plain(close), "blocks": list(blocks)}
    if callback_id:
        view["callback_id"] = callback_id
    if metadata:
        view["private_metadata"] = metadata
    return {**view, "submit": plain(submit)} if submit else view
