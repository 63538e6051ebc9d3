"""What a person typed after a command, read into values. Any text is readable: nothing here raises."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

QUOTES = {'"': '"', "'": "'", "“": "”", "”": "”", "„": "“”", "‘": "’", "’": "’", "«": "»"}
"""Opening quote to those that close it. Phones and Macs replace straight quotes as people type."""

PUBLIC = frozenset({"--public", "—public", "–public"})
PRIVATE = frozenset({"--private", "—private", "–private"})
"""Flags, also with the dash that phones and Macs make of two hyphens."""

NAMELESS = ""
"""Stands for the name of an input where words were typed for none."""

_ASSIGNMENT = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,63})=")
_WORD = re.compile(r"\S+")


class Fillable(Protocol):
    """An input, as far as typed text can fill it."""

    @property
    def kind(self) -> str:
        """text, number, integer, date, boolean or choice."""
        ...


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was typed: values given by name, flags, and all the rest as it stood."""

    values: Mapping[str, str]
    rest: str
    is_public: bool = False
    is_private: bool = False

    @property
    def wants_help(self) -> bool:
        """Whether the whole text was a request for help."""
        return not self.values and self.rest.lower() in ("help", "--help", "-h", "—help", "?")


def parse(text: str, inputs: Mapping[str, Fillable]) -> Arguments:
    """Read `name=value` for the given inputs and the flags; everything else is left word for word.

    A name that is not an input stays in the rest, so that "is a=b?" survives as a question.
    """
    found: dict[str, str] = {}
    for name, words in _pieces(text, inputs):
        found[name] = _added(found.get(name, ""), words)
    flags = {flag for flag in PUBLIC | PRIVATE if found.pop(flag, None) is not None}
    rest = found.pop(NAMELESS)
    return Arguments(found, rest, bool(flags & PUBLIC), bool(flags & PRIVATE))


def _pieces(text: str, inputs: Mapping[str, Fillable]) -> Iterator[tuple[str, str]]:
    """Each stretch of the text with the input that it was typed for, or the flag that it is.

    What follows the name of a text input without quotes is for it up to the next name or flag.
    """
    known = {_folded(name): name for name in inputs}
    into = NAMELESS
    at = last = 0
    while found := _WORD.search(text, at):
        start, word = found.start(), found.group()
        assignment = _ASSIGNMENT.match(text, start)
        name = known.get(_folded(assignment.group(1)), "") if assignment else ""
        if assignment and name:
            yield into, _unquoted(text[last:start])
            start = assignment.end()
            value, at = _value(text, start)
            is_quoted = at - start > len(value)
            if inputs[name].kind == "text" and not is_quoted:
                into, last = name, start
            else:
                into, last = NAMELESS, at
                yield name, value
        elif word in PUBLIC | PRIVATE:
            yield into, _unquoted(text[last:start])
            yield word, ""
            into, at = NAMELESS, found.end()
            last = at
        else:
            quoted = _quoted(text, start) if word[0] in QUOTES else None
            at = quoted[1] if quoted else found.end()
    yield into, _unquoted(text[last:])


def fill(inputs: Mapping[str, Fillable], arguments: Arguments) -> dict[str, str]:
    """Values by input, with the rest where it fits: no word is left out.

    It goes to the first text input that has no value, is added to the text given last, or goes to the only
    input left. What fits nowhere is under no name, which reading the inputs refuses.
    """
    if not arguments.rest:
        return dict(arguments.values)
    texts = [name for name in inputs if inputs[name].kind == "text"]
    open_names = [name for name in inputs if name not in arguments.values]
    fitting = [
        *(name for name in texts if name in open_names),
        *(name for name in reversed(list(arguments.values)) if name in texts),
        *(open_names if len(open_names) == 1 else ()),
    ]
    target = fitting[0] if fitting else NAMELESS
    return {**arguments.values, target: _added(arguments.values.get(target, ""), arguments.rest)}


def split_word(text: str) -> tuple[str, str]:
    """The first word in lower case, and what follows it."""
    head, _, tail = text.strip().partition(" ")
    word, newline, below = head.partition("\n")
    return word.lower(), (below + " " + tail if newline else tail).strip()


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")


def _value(text: str, start: int) -> tuple[str, int]:
    if start < len(text) and text[start] in QUOTES and (quoted := _quoted(text, start)):
        return text[start + 1 : quoted[0]], quoted[1]
    word = _WORD.match(text, start)
    return (word.group(), word.end()) if word else ("", start)


def _quoted(text: str, start: int) -> tuple[int, int] | None:
    """Where the quote that opens at `start` closes: before white space or the end. Others are apostrophes."""
    closing = QUOTES[text[start]]
    for place in range(start + 1, len(text)):
        if text[place] in closing and (place + 1 == len(text) or text[place + 1].isspace()):
            return place, place + 1
    return None


def _added(before: str, words: str) -> str:
    return f"{before} {words}" if before and words else before or words


def _unquoted(typed: str) -> str:
    text = typed.strip()
    if len(text) > 1 and text[0] in QUOTES and (quoted := _quoted(text, 0)) and quoted[1] == len(text):
        return text[1:-1].strip()
    return text
