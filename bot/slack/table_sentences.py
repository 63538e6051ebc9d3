"""The sentences of the form of a decision table. What stands under a field is plain text, not escaped."""

import re
from collections.abc import Iterable, Sequence

from bot.governance.changes import Target
from bot.slack.edit_text import KEPT, bare, belongs_to, ended
from bot.slack.elements import escape, one_line
from workflows.plain_words import example_in_words, outcome_in_words
from workflows.rule_checks import Finding
from workflows.table_names import KnownName
from workflows.workflow import Workflow


def table_heading(target: Target, users: Sequence[Workflow], mover: str) -> str:
    """At the top of a decision table."""
    return f"{belongs_to(target, users, mover)}. Rules are tried from the top; the first that holds decides."


def rule(number: int, when: str, then: str, because: str) -> str:
    """One row of a decision table."""
    reason = f"\n_{one_line(because, 300)}_" if because else ""
    return f"*{number}.* When {escape(when)}\n→ *{escape(outcome_in_words(then))}*{reason}"


def otherwise(outcome: str, because: str) -> str:
    """The last row."""
    reason = f"\n_{one_line(because, 300)}_" if because else ""
    return f"*Otherwise*\n→ *{escape(outcome_in_words(outcome))}*{reason}"


def finding(found: Finding, names: Sequence[KnownName], outcomes: Sequence[str]) -> str:
    """What a reader of the table should know, in a sentence."""
    numbers = found.rules
    case = f" when {escape(example_in_words(found.example, names))}" if found.example else ""
    last = len(outcomes)
    if found.kind == "duplicate":
        return (
            f":warning: Rule {numbers[0]} has the same condition as rule {numbers[1]}, so it never decides."
        )
    if found.kind == "impossible":
        return f":warning: Rule {numbers[0]} can never hold. Change its condition, or delete it."
    if found.kind == "gap":
        outcome = escape(outcome_in_words(outcomes[last - 1]))
        return f":information_source: No rule holds{case}: then it is *{outcome}*."
    if found.kind == "unreachable" and numbers[0] == last:
        return ":information_source: The rules cover every case, so *Otherwise* never decides."
    if found.kind == "unreachable":
        return (
            f":warning: Rule {numbers[0]} never decides: whenever it holds, an earlier rule does "
            f"(rule {numbers[1]}{case}). Move it up, change it, or delete it."
        )
    first, second = (escape(outcome_in_words(outcomes[number - 1])) for number in (numbers[1], numbers[0]))
    return (
        f":warning: Rules {numbers[1]} and {numbers[0]} overlap: both hold{case}. Rule "
        f"{numbers[1]} comes first, so it is *{first}* and not *{second}*."
    )


def unreadable(why: str) -> str:
    """A text was handed over that is no decision table."""
    return (
        f":warning: Your draft cannot be read as a decision table ({escape(why)}). It stands below as it is; "
        "the rules are those that are live. The first step you take here replaces it."
    )


def known_overlaps(rules: Sequence[int]) -> str:
    """Overlaps that are live and meant, in one line."""
    listed = ", ".join(map(str, rules))
    which = f"Rules {listed} share" if len(rules) > 1 else f"Rule {listed} shares"
    return f":information_source: {which} cases with earlier rules, as today; the rule further up decides."


def row_flaw(row: int, message: str) -> str:
    """What is wrong with a row or with the table, in the table."""
    where = f"Rule {row}: " if row else ""
    return f":warning: {where}{escape(sentence_of(message))}"


def sentence_of(message: str) -> str:
    """What is wrong as a sentence of its own: the core says it without subject, as `is empty`."""
    said = message.replace("is not a condition in CEL: ", "cannot be read: ")
    is_bare = said.split(" ")[0] in (
        "is",
        "has",
        "ends",
        "can",
        "cannot",
        "does",
        "uses",
        "may",
        "never",
        "fails",
    )
    return ended(f"This {said}" if is_bare else said)


def condition_flaw(message: str) -> str:
    """Under a condition that cannot be used."""
    said = bare(sentence_of(message))
    return f"{said[:1].upper()}{said[1:]} Correct it and save again."


def not_proposed_flaws() -> str:
    """The table cannot be used as it is."""
    return f":warning: *Not proposed yet:* what is marked above has to be put right first. {KEPT}"


def not_proposed_overlaps() -> str:
    """Rules overlap that did not before."""
    return (
        ":warning: *Not proposed yet:* rules overlap that did not before; the marks above say where. "
        f"Move or change them, or press *Propose* again if that is what you want. {KEPT}"
    )


def unfinished(when: str, why: str) -> str:
    """A row that was typed and could not be read."""
    return f":pencil2: A rule you began is kept: “{one_line(when, 200)}”. {escape(why)}"


def names_heading(step: str) -> str:
    """Above the names that a condition may use."""
    return f"*Names you may use*{f' in {escape(step)}' if step else ''}"


def name_line(said: str, known: KnownName) -> str:
    """One name with what it holds."""
    values = f", one of {', '.join(known.choices)}" if known.choices else f", {known.kind}"
    about = f" – {one_line(known.about, 90)}" if known.about else ""
    missing = ", may be missing" if known.may_be_missing else ""
    return f"• `{escape(said)}`{escape(values)}{missing}{about}"


WHEN_HINT = (
    "Write it simply: amount over 5000 · label is purchase or expenses · support under 0.4 and count is 0. "
    "Join with and, or, not and brackets. CEL works too."
)


def then_hint(outcomes: Iterable[str]) -> str:
    """Below the outcome of a rule."""
    return f"Now: {', '.join(map(outcome_in_words, outcomes))}. A new name is a new outcome."


BECAUSE_HINT = "People read this sentence when they ask why."
OUTCOME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""Of an outcome's name."""
THEN_FLAW = (
    "Use small letters, digits and spaces, beginning with a letter, at most 40. Correct it and save again."
)


def page_of(page: int, pages: int) -> str:
    """Under the rows of a long table."""
    return f"Page {page} of {pages}"


def stale_window() -> str:
    """Something was pressed in a window that showed an older state."""
    return ":information_source: Your draft was changed in another window; this is how it stands now."


def press_again() -> str:
    """Slack let the trigger of a button expire."""
    return ":information_source: Slack took too long to open that. Nothing is lost: please press it again."
