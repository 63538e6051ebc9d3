"""Instructions in a person's words, as lines of a prompt, and a prompt with such lines in it. Pure."""

import re
from collections.abc import Sequence

HEADING = "Additional instructions:"
"""Begins the list of instructions that were given in chat; the list ends at the first line that is none."""
MAX_LINES = 20

_STARTS = (
    r"never|always|do not|don't|be|use|keep|avoid|say|cite|answer|reply|write|start|begin|end|mention|include"
    r"|ask|stop|only|give|make|name|put|add|leave|show|list|prefer|refuse|explain|address|greet|sound|speak|stay"
    r"|respond"
)
_COMPARATIVE = (
    r"(?:more|less|much|a bit|a little|as|very|so|not) \w+.*|\w{3,}(?:er|ier)\b.*"
    r"|(?:formal|informal|friendly|polite|brief|short|concise|plain|warm|strict|careful|clear|honest|kind)\b.*"
)
_NEXT = re.compile(
    rf"(?:,? and (?:to |also )?|, (?:but |also |then )?|; |\. )"
    rf"(?=(?:{_STARTS})\b|(?:{_COMPARATIVE})(?:$|\W))",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"^(?:never|always|do not|don't)\s+", re.IGNORECASE)
_ITEM = re.compile(r"^- .+$")


def instructions_of(said: str) -> tuple[str, ...]:
    """What was said, as sentences that begin with a verb."""
    lines = [line.strip(" -•*\t") for line in said.splitlines()]
    pieces = [piece.strip(" ,;") for line in lines for piece in _NEXT.split(line)]
    return tuple(dict.fromkeys(_sentence(each)[:2_000] for each in pieces if each.strip(".")))[:MAX_LINES]


def starts_like_one(said: str) -> bool:
    """Whether words begin as an instruction does."""
    return bool(re.match(rf"(?:to )?(?:(?:{_STARTS})\b|(?:{_COMPARATIVE})(?:$|\W))", said, re.IGNORECASE))


def with_instructions(text: str, instructions: Sequence[str]) -> str:
    """The prompt with the lines in its list of additional instructions; made when there is none.

    A line that says the opposite of one in the list takes its place. The list stands before the data that
    the prompt fences off, so that it is read as ours and not as data.
    """
    lines = text.rstrip("\n").split("\n")
    begin, end = _list_place(lines)
    kept = lines[begin + 1 : end] if begin < end else []
    for instruction in instructions:
        item = f"- {instruction}"
        same = [position for position, each in enumerate(kept) if _subject(each) == _subject(item)]
        if same:
            kept[same[0]] = item
        else:
            kept.append(item)
    made = [HEADING, *kept]
    if begin < end:
        return "\n".join([*lines[:begin], *made, *lines[end:]]) + "\n"
    before = lines[:begin]
    while before and not before[-1].strip():
        before.pop()
    after = lines[begin:]
    return "\n".join([*before, "", *made, *(["", *after] if after else [])]) + "\n"


def _list_place(lines: Sequence[str]) -> tuple[int, int]:
    """First line of the list and the line after it; both the same where a new list belongs."""
    if HEADING in lines:
        begin = lines.index(HEADING)
        end = begin + 1
        while end < len(lines) and _ITEM.match(lines[end]):
            end += 1
        return begin, end
    fence = next((number for number, line in enumerate(lines) if line.startswith("<<<")), len(lines))
    return fence, fence


def _subject(item: str) -> str:
    """What an instruction is about, whichever way it turns it."""
    return _NEGATED.sub("", item.removeprefix("- ")).strip(" .!").casefold()


def _sentence(piece: str) -> str:
    """One instruction as a sentence."""
    words = piece.strip().rstrip(".")
    has_verb = re.match(rf"(?:to )?(?:{_STARTS})\b", words, re.IGNORECASE)
    if not has_verb and re.fullmatch(_COMPARATIVE, words, re.IGNORECASE):
        words = f"be {words}"
    words = re.sub(r"^to ", "", words, flags=re.IGNORECASE)
    return words[:1].upper() + words[1:] + ("" if words.endswith(("!", "?", ":", "”")) else ".")
