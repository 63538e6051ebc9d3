"""From a sentence to a typed command without any model: how it is said, then the names it mentions. Pure.

A sentence counts as a command only when what it names exists here; everything else is somebody's question.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from pydantic import ValidationError

from bot.governance.admin_commands import COMMANDS, read_command
from bot.governance.admin_patterns import PATTERNS, Pattern
from bot.governance.command_base import AdminCommand
from bot.governance.query_commands import Help
from bot.governance.resolving import Pieces
from bot.governance.resolving_duties import DUTIES
from bot.governance.resolving_edits import EDITS
from bot.governance.spoken import MAX_HEAD, Spoken, hear
from bot.governance.understanding import Lacking, Missing, NotOurs, Slots, Understood, Unsure
from bot.governance.vocabulary import Vocabulary

Understanding: TypeAlias = Understood | Missing | Unsure

Resolve: TypeAlias = Callable[[Pieces], AdminCommand]
RESOLVERS: Mapping[str, Resolve] = {**EDITS, **DUTIES, "help": lambda _pieces: Help()}

_ADDRESS = re.compile(r"[\w -]{1,120}")
_IMPERATIVE = re.compile(
    r"(?:make|change|edit|adjust|tone|tweak|fix|improve|rewrite|have|tell|teach|set|add|remove|use|stop|start|"
    r"let|allow|give|update|turn|switch|swap|increase|lower|reduce|raise)\b",
    re.IGNORECASE,
)
_INSIDE = re.compile(
    r"\b(?:prompt|prompts|parameters?|decision table|rules? of|golden cases?)\b", re.IGNORECASE
)


def read_sentence(sentence: str, vocabulary: Vocabulary) -> Understanding | None:
    """What a sentence asks for; None when it is no command. Never raises."""
    spoken = hear(sentence)
    if not spoken.head or len(spoken.head) > MAX_HEAD:
        return None
    found = _read(spoken, vocabulary, {})
    if found is None and spoken.body and _ADDRESS.fullmatch(spoken.head) and not spoken.is_question:
        named = vocabulary.workflow(spoken.head)
        inner = hear(spoken.body)
        if len(named) == 1 and len(inner.head) <= MAX_HEAD and not inner.is_question:
            found = _read(inner, vocabulary, {"workflow": named[0]})
    return found or _unsure(spoken, vocabulary)


def fill(missing: Missing, reply: str, vocabulary: Vocabulary) -> Understanding:
    """A command with the piece that was asked for. A reply that fits nothing is asked about again."""
    spoken = hear(reply)
    whole = "\n".join(part for part in (spoken.restored(spoken.head), spoken.body) if part)
    is_written = missing.field in ("text", "instructions", "question", "expectation", "case")
    value = reply.strip() if is_written else (spoken.unquoted(spoken.head) if not spoken.body else whole)
    return choose(missing, value, vocabulary)


def choose(missing: Missing, value: str, vocabulary: Vocabulary) -> Understanding:
    """As `fill`, with a value that was picked or written apart from any sentence."""
    slots = {**missing.slots, missing.field: value}
    try:
        return _resolved(missing.kind, slots, vocabulary, Spoken(""), is_asked=True)
    except NotOurs:
        return missing


def put_together(kind: str, slots: Slots, vocabulary: Vocabulary) -> Understood | Missing | None:
    """A command from pieces that somebody or something else named, by the same checks as a sentence."""
    try:
        found = _resolved(kind, slots, vocabulary, Spoken(""), is_asked=True)
    except (NotOurs, KeyError):
        return None
    return None if isinstance(found, Unsure) else found


def _read(spoken: Spoken, vocabulary: Vocabulary, given: Slots) -> Understanding | None:
    for pattern in PATTERNS:
        if spoken.is_question and not pattern.is_query:
            continue
        slots = _slots(pattern, spoken)
        if slots is None:
            continue
        try:
            return _resolved(pattern.kind, {**given, **slots}, vocabulary, spoken)
        except NotOurs:
            continue
    return None


def _slots(pattern: Pattern, spoken: Spoken) -> dict[str, str] | None:
    """The pieces of a sentence that is said this way; None when it is not."""
    head = spoken.head
    if spoken.body and not pattern.body:
        if pattern.kind != "edit_rule" or "\n" in spoken.body or len(head) + len(spoken.body) > MAX_HEAD:
            return None
        head = f"{head}, {hear(spoken.body).head}"
    found = pattern.expression.fullmatch(head)
    if found is None:
        return None
    slots = {name: value.strip() for name, value in found.groupdict().items() if value and value.strip()}
    if spoken.body and pattern.body:
        slots[pattern.body] = spoken.body
    return slots


def _resolved(
    kind: str, slots: Slots, vocabulary: Vocabulary, spoken: Spoken, *, is_asked: bool = False
) -> Understanding:
    """Raises NotOurs."""
    try:
        command = RESOLVERS[kind](Pieces(kind, dict(slots), vocabulary, spoken, is_asked))
        # what resolvers put together is checked like anything a model would propose
        return Understood(read_command(command.model_dump()))
    except Lacking as lacking:
        return lacking.missing
    except ValidationError as error:
        raise NotOurs(str(error.error_count())) from None


def _unsure(spoken: Spoken, vocabulary: Vocabulary) -> Unsure | None:
    """An order that names a workflow, or the inside of one, in words that no pattern has."""
    if spoken.is_question or not _IMPERATIVE.match(spoken.head):
        return None
    words = spoken.head.casefold()
    named = [name for name in vocabulary.workflows if f" {name} " in f" {words} "]
    if not named and not _INSIDE.search(words):
        return None
    likely = ("edit_prompt", "set_parameter", "edit_rule", "show")
    slots = {"workflow": named[0]} if len(named) == 1 else {}
    return Unsure(tuple(kind for kind in likely if kind in COMMANDS), slots)
