"""Answers as rich text. Slack parses nothing inside rich text, so no text can ping, link or disguise.

Reads the little Markdown that models and authors write: paragraphs, headings, lists, quotes, code,
bold, italic, code spans and links. What it does not know stays visible as typed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

Block: TypeAlias = dict[str, Any]

MAX_PIECE = 2800
"""Characters of one rich text block; Slack refuses messages whose blocks are too long together."""

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b\u2060-\u2064\u206a-\u206f\ufeff"
    "\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
_INLINE = re.compile(
    r"(?P<code>`[^`\n]+`)"
    r"|(?P<image>!\[[^\]\n]*\]\([^)\s]*\))"
    r"|\[(?P<label>[^\]\n]{1,500})\]\((?P<target>[^)\s]{1,2000})\)"
    r"|(?P<bold>\*\*(?=\S)[^*\n]+?(?<=\S)\*\*)"
    r"|(?P<italic>(?<![\w*])\*(?=[^\s*])[^*\n]+?(?<=[^\s*])\*(?![\w*])|(?<!\w)_(?=\S)[^_\n]+?(?<=\S)_(?!\w))"
    r"|(?P<url>(?:https?|ftp)://[^\s<>()\[\]]+)"
)
_HEADING = re.compile(r" {0,3}#{1,6}\s+(.*?)\s*#*$")
_BULLET = re.compile(r"( *)[-*•+]\s+(.*)")
_NUMBERED = re.compile(r"( *)(\d{1,9})[.)]\s+(.*)")

Allowed: TypeAlias = Callable[[str], str | None]
"""Gives the URL to link to, cleaned, or None when it may only be shown as text."""


def no_links(_url: str) -> str | None:
    """The default: every URL is shown as text."""
    return None


def visible(text: str) -> str:
    """Without characters that people cannot see: controls, zero-width, tags and direction overrides.

    Right-to-left writing needs none of them: its letters carry their direction.
    """
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def rich_text(markdown: str, allowed: Allowed = no_links) -> list[Block]:
    """Blocks of at most `MAX_PIECE` characters each, in order."""
    blocks: list[Block] = []
    elements: list[Block] = []
    size = 0
    for element, length in _elements(visible(markdown), allowed):
        if elements and size + length > MAX_PIECE:
            blocks.append({"type": "rich_text", "elements": elements})
            elements, size = [], 0
        elements.append(element)
        size += length
    if elements:
        blocks.append({"type": "rich_text", "elements": elements})
    return blocks


def as_written(text: str) -> list[Block]:
    """What a person wrote, letter by letter and line by line, as a quotation."""
    quoted = {"type": "rich_text_quote", "elements": [_text(visible(text).strip() or " ")]}
    return [{"type": "rich_text", "elements": [piece]} for piece, _ in _pieces(quoted)]


def _elements(text: str, allowed: Allowed) -> Iterator[tuple[Block, int]]:
    lines = text.strip("\n").split("\n")
    at = 0
    while at < len(lines):
        at, made = _next_element(lines, at, allowed)
        if made is not None:
            yield from _pieces(made)


def _next_element(lines: list[str], at: int, allowed: Allowed) -> tuple[int, Block | None]:
    line = lines[at]
    if not line.strip():
        return at + 1, None
    if line.lstrip().startswith("```"):
        return _fence(lines, at)
    for pattern, style in ((_BULLET, "bullet"), (_NUMBERED, "ordered")):
        if _begins_list(line, pattern):
            return _list(lines, at, pattern, style, allowed)
    if line.lstrip().startswith(">"):
        end = _while(lines, at, lambda item: item.lstrip().startswith(">"))
        quoted = "\n".join(item.lstrip()[1:].strip() for item in lines[at:end])
        return end, {"type": "rich_text_quote", "elements": list(_spans(quoted, allowed))}
    if heading := _HEADING.match(line):
        return at + 1, _section(_spans(heading.group(1) or " ", allowed, bold=True), gap=at > 0)
    end = _while(lines, at, _is_plain)
    return end, _section(_spans("\n".join(lines[at:end]), allowed), gap=at > 0 and not lines[at - 1].strip())


def _is_plain(line: str) -> bool:
    starts = line.lstrip().startswith(("```", ">"))
    return (
        bool(line.strip())
        and not starts
        and not any(_begins_list(line, pattern) for pattern in (_BULLET, _NUMBERED))
        and not _HEADING.match(line)
    )


def _begins_list(line: str, pattern: re.Pattern[str]) -> bool:
    """Slack counts every list from 1, so a line with another number, which may be a date, stays as it is."""
    return _place_of(line, pattern)[1] in (0, 1)


def _while(lines: list[str], at: int, test: Callable[[str], bool]) -> int:
    end = at + 1
    while end < len(lines) and test(lines[end]):
        end += 1
    return end


def _section(spans: Iterable[Block], gap: bool) -> Block:
    opening = [_text("\n")] if gap else []
    return {"type": "rich_text_section", "elements": [*opening, *spans]}


def _fence(lines: list[str], at: int) -> tuple[int, Block | None]:
    end = at + 1
    while end < len(lines) and not lines[end].lstrip().startswith("```"):
        end += 1
    code = "\n".join(lines[at + 1 : end])
    made = {"type": "rich_text_preformatted", "elements": [_text(code)]} if code else None
    return min(end + 1, len(lines)), made


def _list(
    lines: list[str], at: int, pattern: re.Pattern[str], style: str, allowed: Allowed
) -> tuple[int, Block]:
    items: list[Block] = []
    end, size = at, 0
    following: int | None = at
    while following is not None and (end == following or _continues(lines[end], lines[following], pattern)):
        found = pattern.match(lines[following])
        words = found.groups()[-1] if found else ""
        item = {"type": "rich_text_section", "elements": list(_spans(words or " ", allowed))}
        size += _length(item)
        # a second list would count from 1 again, so what does not fit into this one keeps its numbers as text
        if items and size >= MAX_PIECE:
            break
        items.append(item)
        end = following
        following = _following(lines, end)
    indent, _ = _place_of(lines[at], pattern)
    return end + 1, {"type": "rich_text_list", "style": style, "indent": indent, "elements": items}


def _place_of(line: str, pattern: re.Pattern[str]) -> tuple[int, int]:
    """Indent and number of an item; 0 stands for no number, and -1 for what is no item."""
    found = pattern.match(line)
    if found is None:
        return 0, -1
    number = int(found.group(2)) if pattern is _NUMBERED else 0
    return min(len(found.group(1)) // 2, 8), number


def _following(lines: list[str], at: int) -> int | None:
    """The next line, past one that is empty."""
    after = (line for line in range(at + 1, min(at + 3, len(lines))) if lines[line].strip())
    return next(after, None)


def _continues(line: str, following: str, pattern: re.Pattern[str]) -> bool:
    """Whether the next line is the next item: at the same indent, and counted on or all of them "1."."""
    (indent, number), (next_indent, next_number) = _place_of(line, pattern), _place_of(following, pattern)
    if next_number < 0 or indent != next_indent:
        return False
    return pattern is _BULLET or next_number == number + 1 or number == next_number == 1


def _spans(text: str, allowed: Allowed, bold: bool = False) -> Iterator[Block]:
    at = 0
    base = {"bold": True} if bold else {}
    for found in _INLINE.finditer(text):
        if found.start() > at:
            yield _text(text[at : found.start()], base)
        yield _span(found, base, allowed)
        at = found.end()
    if at < len(text):
        yield _text(text[at:], base)


def _span(found: re.Match[str], base: dict[str, bool], allowed: Allowed) -> Block:
    whole = found.group()
    if found.group("code"):
        return _text(whole[1:-1], {**base, "code": True})
    if found.group("bold"):
        return _text(whole[2:-2], {**base, "bold": True})
    if found.group("italic"):
        return _text(whole[1:-1], {**base, "italic": True})
    if found.group("label"):
        return _link(found.group("label"), found.group("target"), base, allowed)
    if found.group("url"):
        return _link("", whole, base, allowed)
    return _text(whole, base)


def _link(label: str, target: str, base: dict[str, bool], allowed: Allowed) -> Block:
    url = allowed(target)
    if url is None:
        # both halves stay readable, so a label cannot hide where it would have led
        return _text(f"{label} ({target})" if label else target, base)
    return {"type": "link", "url": url, "text": label or url, **({"style": base} if base else {})}


def _text(text: str, style: dict[str, bool] | None = None) -> Block:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _pieces(element: Block) -> Iterator[tuple[Block, int]]:
    """Cut an element that alone is longer than a block may be."""
    length = _length(element)
    if length <= MAX_PIECE:
        yield element, length
        return
    part: list[Block] = []
    size = 0
    for child in _small_children(element["elements"]):
        child_length = _length(child)
        if part and size + child_length > MAX_PIECE:
            yield {**element, "elements": part}, size
            part, size = [], 0
        part.append(child)
        size += child_length
    if part:
        yield {**element, "elements": part}, size


def _small_children(children: Iterable[Block]) -> Iterator[Block]:
    for child in children:
        if _length(child) <= MAX_PIECE:
            yield child
        elif "elements" in child:
            yield from (piece for piece, _ in _pieces(child))
        else:
            text = child["text"]
            yield from ({**child, "text": text[at : at + MAX_PIECE]} for at in range(0, len(text), MAX_PIECE))


def _length(element: Block) -> int:
    if "elements" in element:
        return sum(_length(child) for child in element["elements"]) + 1
    return len(element.get("text", ""))
