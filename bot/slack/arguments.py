"""What a person typed after a command, read into values. Any text is readable: nothing here raises."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

QUOTES = {'"': '"', "'": "'", "“": "”", "”": "”", "„": "“”", "‘": "’", "’": "’", "«": "»"}
"""Opening quote to those that close it. Phones and Macs replace straight quotes as people type."""

PUBLIC = frozenset({"--public", "—public", "–public"})
PRIVATE = frozenset({"--private", "—private", "–private"})
"""Flags, also with the dash that phones and Macs make of two hyphens."""

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


def parse(text: str, names: Collection[str]) -> Arguments:
    """Read `name=value` for the given names and the flags; everything else is left word for word.

    A name that is not an input stays in the rest, so that "is a=b?" survives as a question.
    """
    known = {_folded(name): name for name in names}
    values: dict[str, str] = {}
    kept: list[str] = []
    flags: set[str] = set()
    at = last = 0
    while found := _WORD.search(text, at):
        start, word = found.start(), found.group()
        if word in PUBLIC | PRIVATE:
            flags.add("public" if word in PUBLIC else "private")
            end = found.end()
        elif (assignment := _ASSIGNMENT.match(text, start)) and _folded(assignment.group(1)) in known:
            value, end = _value(text, assignment.end())
            values[known[_folded(assignment.group(1))]] = value
        elif word[0] in QUOTES and (quoted := _quoted(text, start)):
            at = quoted[1]
            continue
        else:
            at = found.end()
            continue
        kept.append(text[last:start])
        at = last = end
    kept.append(text[last:])
    return Arguments(values, _unquoted(_joined(kept)), "public" in flags, "private" in flags)


def fill(inputs: Mapping[str, Fillable], arguments: Arguments) -> dict[str, str]:
    """Values by input; the rest goes to the first text input that has none, or to the only input left."""
    values = dict(arguments.values)
    if not arguments.rest:
        return values
    open_names = [name for name in inputs if name not in values]
    texts = [name for name in open_names if inputs[name].kind == "text"]
    target = texts[0] if texts else open_names[0] if len(open_names) == 1 else None
    if target is not None:
        values[target] = arguments.rest
    return values


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


def _joined(parts: list[str]) -> str:
    trimmed = [parts[0].strip(), *(part.strip() for part in parts[1:])]
    return " ".join(part for part in trimmed if part)


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] in QUOTES and (quoted := _quoted(text, 0)) and quoted[1] == len(text):
        return text[1:-1].strip()
    return text
