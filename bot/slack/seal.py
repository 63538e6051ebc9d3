"""The last look at whatever goes to Slack: its limits kept, no ping and no link that was not meant.

Builders escape what people wrote. This holds even where one forgets: a mention, a broadcast or a link
that the message does not declare becomes plain text.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bot.slack.elements import Outgoing, context, escape, plain, shorten
from bot.slack.richtext import Block, visible

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
FALLBACK = 3000
"""Slack cannot edit a message whose text is longer than 4000."""
MESSAGE_CHARACTERS = 12_000
"""Of rich text in one message; Slack answers `msg_blocks_too_long` somewhat above."""
CAPS: Mapping[str, int] = {"header": 150, "button": 75, "option": 75, "label": 2000, "hint": 2000}
"""Longest plain text by where it stands."""

_TOKEN = re.compile(r"<([^<>]*)>")
_DATE = re.compile(r"!date\^\d{1,12}\^[^^|<>]{1,100}\|[^|<>]{1,60}")
_CHANNEL = re.compile(r"#[CGD][A-Z0-9]{2,30}")
_HALF = re.compile(r"(<[^>]*|&[a-z]{0,4})$")


def clean_url(url: str, domains: Collection[str]) -> str | None:
    """The URL without query and fragment when its host is one of the domains or below one, else None."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or parts.username or parts.password or port or not host.isascii():
        return None
    if not any(host == domain or host.endswith(f".{domain}") for domain in domains):
        return None
    path = parts.path if re.fullmatch(r"[\w.~!$&'()*+,;=:@%/-]*", parts.path, re.ASCII) else ""
    return urlunsplit(("https", host, path, "", ""))


def seal_message(message: Outgoing, domains: Collection[str] = ()) -> dict[str, Any]:
    """`text` and `blocks` as Slack may have them."""
    guard = _Guard(message.mentions, message.links, domains)
    blocks = _within(_fitted(guard, message.blocks), MESSAGE_BLOCKS)
    return {"text": _fallback(message.text), "blocks": _short_enough(blocks)}


def _fallback(text: str) -> str:
    """Cut once it is escaped: an escaped character is up to five of those that Slack counts."""
    whole = escape(text)
    return whole if len(whole) <= FALLBACK else _HALF.sub("", whole[: FALLBACK - 1]).rstrip() + "…"


def seal_view(view: Mapping[str, Any], domains: Collection[str] = ()) -> dict[str, Any]:
    """A modal or home view as Slack may have it. Mentions in views ping nobody and stay."""
    guard = _Guard(None, frozenset(), domains)
    sealed = {**view, "blocks": _within(_fitted(guard, view["blocks"]), VIEW_BLOCKS)}
    for part in ("title", "submit", "close"):
        if part in sealed:
            sealed[part] = plain(shorten(sealed[part]["text"], 24))
    return sealed


class _Guard:
    """Decides which markup of one message stands."""

    def __init__(
        self, mentions: frozenset[str] | None, links: frozenset[str], domains: Collection[str]
    ) -> None:
        self.mentions = mentions
        self.links = links
        self.domains = domains

    def text(self, text: str) -> str:
        """Mrkdwn with every undeclared token shown as the characters it is made of."""
        at, parts = 0, []
        for found in _TOKEN.finditer(text):
            parts += [_bare(text[at : found.start()]), self._token(found.group(1))]
            at = found.end()
        return visible("".join([*parts, _bare(text[at:])]))

    def may_mention(self, person: str) -> bool:
        """Whether this person is mentioned on purpose."""
        return self.mentions is None or person in self.mentions

    def url(self, url: str) -> str | None:
        """What to link to, or None."""
        return url if url in self.links else clean_url(url, self.domains)

    def _token(self, inner: str) -> str:
        if inner.startswith("@"):
            return f"<{inner}>" if self.may_mention(inner[1:]) else _bare(inner)
        if _CHANNEL.fullmatch(inner) or _DATE.fullmatch(inner):
            return f"<{inner}>"
        if "://" in inner and not inner.startswith("!"):
            target, _, label = inner.partition("|")
            url = self.url(target)
            if url is not None:
                return f"<{url}|{label}>" if label else f"<{url}>"
            return f"{_bare(label)} ({_bare(target)})" if label else _bare(target)
        return f"&lt;{_bare(inner)}&gt;"

    def rich(self, element: Block) -> Block | None:
        """A rich text element without undeclared links, mentions and any broadcast."""
        kind = element.get("type")
        if kind == "broadcast" or (kind == "usergroup"):
            return None
        if kind == "user" and not self.may_mention(element["user_id"]):
            return {"type": "text", "text": f"@{element['user_id']}"}
        if kind == "link":
            url = self.url(element["url"])
            if url is None:
                label = element.get("text", "")
                shown = f"{label} ({element['url']})" if label else element["url"]
                return {"type": "text", "text": shown}
            return {**element, "url": url}
        if "elements" in element:
            children = [self.rich(child) for child in element["elements"]]
            return {**element, "elements": [child for child in children if child is not None]}
        return element


def _bare(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _fitted(guard: _Guard, blocks: Iterable[Block]) -> list[Block]:
    fitted: list[Block] = []
    for block in blocks:
        kind = block["type"]
        if kind == "section":
            fitted += _sections(guard, block)
        elif kind == "context":
            elements = [_text_object(guard, element, 2000) for element in block["elements"]]
            fitted += [{**block, "elements": elements[at : at + 10]} for at in range(0, len(elements), 10)]
        elif kind == "rich_text":
            made = guard.rich(block)
            fitted += [made] if made else []
        elif kind == "header":
            fitted.append({**block, "text": plain(shorten(block["text"]["text"], CAPS["header"]))})
        elif kind == "actions":
            elements = [_element(element) for element in block["elements"]]
            fitted += [{**block, "elements": elements[at : at + 25]} for at in range(0, len(elements), 25)]
        elif kind == "input":
            fitted.append(_input(block))
        else:
            fitted.append(block)
    return fitted


def _sections(guard: _Guard, block: Block) -> list[Block]:
    made = dict(block)
    if "accessory" in made:
        made["accessory"] = _element(made["accessory"])
    if "fields" in made:
        made["fields"] = [_text_object(guard, field, 2000) for field in made["fields"][:10]]
    if "text" not in made:
        return [made]
    text = made["text"]
    first, *others = _cut(guard.text(text["text"]) if text["type"] == "mrkdwn" else text["text"], 3000)
    made["text"] = {**text, "text": first}
    return [made, *({"type": "section", "text": {**text, "text": other}} for other in others)]


def _text_object(guard: _Guard, element: Block, limit: int) -> Block:
    if element["type"] == "mrkdwn":
        return {**element, "text": _cut(guard.text(element["text"]), limit)[0], "verbatim": True}
    return {**element, "text": shorten(element["text"], limit)} if "text" in element else element


def _cut(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit`, cut between lines or words and never inside a token or an entity."""
    pieces = []
    while len(text) > limit:
        end = max(text.rfind("\n", limit // 2, limit), text.rfind(" ", limit // 2, limit))
        head = text[: end if end > 0 else limit]
        head = _HALF.sub("", head) or text[:limit]
        pieces.append(head)
        text = text[len(head) :].lstrip("\n ")
    return [*pieces, text] if text or not pieces else pieces


def _element(element: Block) -> Block:
    made = dict(element)
    if made["type"] == "button":
        made["text"] = plain(shorten(made["text"]["text"], CAPS["button"]))
    if "options" in made:
        made["options"] = [_option(item) for item in made["options"][:100]]
    if "initial_option" in made:
        made["initial_option"] = _option(made["initial_option"])
    return made


def _option(item: Block) -> Block:
    made = {**item, "text": {**item["text"], "text": shorten(item["text"]["text"], CAPS["option"])}}
    if "description" in made:
        made["description"] = plain(shorten(made["description"]["text"], CAPS["option"]))
    return made


def _input(block: Block) -> Block:
    made = {**block, "element": _element(block["element"])}
    for part in ("label", "hint"):
        if part in made:
            made[part] = plain(shorten(made[part]["text"], CAPS[part]))
    return made


def _within(blocks: list[Block], limit: int) -> list[Block]:
    """At most `limit` blocks: what is over goes from the middle, so that the buttons at the end stay."""
    if len(blocks) <= limit:
        return blocks
    tail = limit // 5
    left_out = len(blocks) - limit + 1
    note = context(f"_{left_out} parts are left out here: Slack shows at most {limit}._")
    return [*blocks[: limit - tail - 1], note, *blocks[-tail:]]


def _short_enough(blocks: list[Block]) -> list[Block]:
    """Rich text up to Slack's total, and a note where it was cut."""
    kept, size = [], 0
    for block in blocks:
        if block["type"] == "rich_text":
            length = _letters(block)
            if size + length > MESSAGE_CHARACTERS:
                if size <= MESSAGE_CHARACTERS:
                    kept.append(context("_The rest does not fit in one Slack message._"))
                size = MESSAGE_CHARACTERS + 1
                continue
            size += length
        kept.append(block)
    return kept


def _letters(element: Block) -> int:
    return len(element.get("text", "")) + sum(_letters(child) for child in element.get("elements", ()))
