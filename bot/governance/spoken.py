"""A sentence as Slack sends it, made ready for the grammar. What is quoted or follows a colon is data."""

import html
import re
import unicodedata
from dataclasses import dataclass

MAX_SENTENCE = 80_000
MAX_HEAD = 500
"""Characters that are read as a command; what is longer is no command."""

PERSON_MARK = "\ue002{}\ue003"
"""Stands in the head for a person or user group, by id; `\ue000 0 \ue001` for a quotation, by its number."""
_OURS = re.compile("[\ue000-\ue00f]")
_TOKEN = re.compile(r"<([@#!]?)([^<>|]{0,2000})(?:\|([^<>]{0,2000}))?>")
_GROUP = re.compile(r"subteam\^([A-Z0-9]{2,30})")
_ID = re.compile(r"[UW][A-Z0-9]{2,30}")
_QUOTE = re.compile(r"\"([^\"\n]{1,4000})\"|`([^`\n]{1,4000})`")
_MARK = re.compile("\ue000(\\d{1,4})\ue001")
_CUT = re.compile(r":(?=\s|$)|\n|```")
_POLITE = re.compile(
    r"(?:(?P<asked>(?:can|could|would|will) you(?: please| kindly)?)"
    r"|please|pls|kindly|hey|hi|hello|okay|ok|now|just|also|spanwise|let's"
    r"|i(?:'d| would) like (?:you )?to|i want (?:you )?to|we (?:need|want) (?:you )?to)"
    r"(?:\s*[,!]\s*|\s+)",
    re.IGNORECASE,
)
_THANKS = re.compile(r"(?:\s|,){1,5}(?:please|pls|thanks|thank you|cheers|for me)$", re.IGNORECASE)
_SMART = str.maketrans("“”„«»‘’\u00a0", '"""""\'\' ')


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence taken apart."""

    head: str
    """What may be a command: one line, quotations and people replaced by marks."""
    body: str = ""
    """What follows the first colon or line break, as it was written: never read as a command."""
    quotes: tuple[str, ...] = ()
    is_question: bool = False
    """Ends with a question mark and asks nobody to do something."""

    def with_quotes(self, text: str) -> str:
        """A piece of the head with its quotations put back, people still as marks."""
        return _MARK.sub(lambda found: f"“{self._quote(found)}”", text).strip()

    def restored(self, text: str) -> str:
        """A piece of the head as text."""
        return _named(self.with_quotes(text))

    def unquoted(self, text: str) -> str:
        """A piece of the head without the marks of a quotation that is all of it; else as `restored`."""
        found = _MARK.fullmatch(text.strip())
        return self._quote(found).strip() if found else self.restored(text)

    def _quote(self, found: re.Match[str]) -> str:
        number = int(found[1])
        return self.quotes[number] if number < len(self.quotes) else ""


def hear(raw: str) -> Spoken:
    """Take a sentence apart. Never raises."""
    text = unicodedata.normalize("NFC", _OURS.sub("", raw[:MAX_SENTENCE]))
    text = html.unescape(_TOKEN.sub(_marked, text)).strip()
    # one character for one, so that places in both are the same
    flat = text.translate(_SMART)
    quoted = [found for found in _QUOTE.finditer(flat) if not found[0].startswith("``")]
    cut = next((found for found in _CUT.finditer(flat) if not _inside(found.start(), quoted)), None)
    end = cut.start() if cut else len(flat)
    quotes: list[str] = []
    head, at = "", 0
    for found in quoted:
        if found.end() <= end:
            head += flat[at : found.start()] + _kept(found, text, quotes)
            at = found.end()
    body = text[cut.end() :].strip().removeprefix("```").removesuffix("```").strip() if cut else ""
    body = _named(body)
    return _polished(" ".join((head + flat[at:end]).split()), body, tuple(quotes))


def _inside(place: int, quoted: list[re.Match[str]]) -> bool:
    return any(found.start() < place < found.end() for found in quoted)


def _kept(found: re.Match[str], text: str, quotes: list[str]) -> str:
    """What stands for a quotation: its mark, or a single word in code marks as it is."""
    inner = text[found.start() + 1 : found.end() - 1]
    if found[2] is not None and not any(map(str.isspace, inner)):
        return inner
    quotes.append(_named(inner))
    return f"\ue000{len(quotes) - 1}\ue001"


def _named(text: str) -> str:
    """People as they are written where nobody is meant to be rung up."""
    return re.sub("\ue002([A-Za-z0-9]+)\ue003", r"@\1", text)


def _marked(found: re.Match[str]) -> str:
    sign, inner, label = found.groups()
    group = _GROUP.fullmatch(inner)
    if group:
        return PERSON_MARK.format(group[1])
    if sign == "@" and _ID.fullmatch(inner):
        return PERSON_MARK.format(inner)
    if sign == "!":
        return (
            PERSON_MARK.format("everyone") if inner in ("everyone", "channel", "here") else (label or inner)
        )
    return label or inner


def _polished(head: str, body: str, quotes: tuple[str, ...]) -> Spoken:
    """The head without what is only polite, and whether it asks or tells."""
    asks, told = head.endswith("?"), False
    head = head[: 4 * MAX_HEAD].rstrip(" ?.!")
    while found := _POLITE.match(head):
        told = told or found["asked"] is not None
        head = head[found.end() :]
    head = _THANKS.sub("", head).rstrip(" ,.!")
    return Spoken(head, body, quotes, asks and not told)
