"""Text to sentences."""

import re

SHORTEST = 3
"""Words; a shorter sentence carries no answer by itself and joins the one before."""

_BLOCK = re.compile(r"^\s*(?:[-*+•]\s+|\d{1,3}[.)]\s+|#{1,6}\s|>|\||```)")
_RULE_ROW = re.compile(r"^\s*\|?[\s:|-]+\|?\s*$")
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9À-ÖØ-ÞА-Я])|(?<=[。！？؟۔])\s*")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|etc|approx|no|nos|dr|mr|mrs|ms|prof|st|sr|jr|inc|ltd|co|corp|fig|sec|art|dept|"
    r"jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|p|pp|vol|est|ext|u\.s|u\.k|a\.m|p\.m)|\b[A-Z])\.$",
    re.IGNORECASE,
)


def join_wrapped(text: str) -> str:
    """Put lines that were wrapped at a width back together; lists, tables, code and headings keep theirs."""
    joined: list[str] = []
    in_code = False
    for line in text.splitlines():
        stripped = line.strip()
        fence = stripped.startswith("```")
        glue = (
            joined
            and joined[-1].strip()
            and stripped
            and not in_code
            and not _BLOCK.match(line)
            and not _keeps_line(joined[-1])
        )
        if glue:
            joined[-1] = f"{joined[-1].rstrip()} {stripped}"
        else:
            joined.append(line.rstrip())
        in_code ^= fence
    return "\n".join(joined)


def _keeps_line(line: str) -> bool:
    stripped = line.lstrip()
    return stripped.startswith(("#", "|", "```")) or line.endswith(("  ", "\\"))


def split_sentences(text: str) -> tuple[str, ...]:
    """Sentences in order: a list item, a table row and a heading are sentences of their own."""
    found: list[str] = []
    for line in join_wrapped(text).splitlines():
        stripped = line.strip()
        if not stripped or _RULE_ROW.match(stripped) or stripped.startswith("```"):
            continue
        if stripped.startswith("|"):
            found.append(stripped)
            continue
        found.extend(_split_line(stripped))
    return tuple(found)


def _split_line(line: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for match in _END.finditer(line):
        piece = line[start : match.end()].strip()
        if _ABBREVIATION.search(piece):
            continue
        pieces.append(piece)
        start = match.end()
    pieces.append(line[start:].strip())
    merged: list[str] = []
    for piece in filter(None, pieces):
        if merged and len(piece.split()) < SHORTEST:
            merged[-1] = f"{merged[-1]} {piece}"
        else:
            merged.append(piece)
    return merged
