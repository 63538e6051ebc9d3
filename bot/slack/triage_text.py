"""Every sentence around triage: what waits, who complained, and what an owner decided."""

from collections.abc import Mapping, Sequence

from bot.quality.complaint import TriageState
from bot.slack.elements import escape, mention, one_line
from bot.slack.feedback_text import REASONS
from bot.slack.text import quote, quote_document

OPEN, NEXT, TAKE_BACK = "Open triage", "Show the next", "Let it wait again"
CASE, PROMPT, KNOWLEDGE, DISMISS = "Add case", "Fix prompt", "Add knowledge", "Not a problem"
"""Buttons."""

CASE_TITLE, DOCUMENT_TITLE = "Add a golden case", "Add knowledge"
INPUT_HINT = "Take out names and other details that the case does not need."
CONTAIN_LABEL = "The answer must contain"
CONTAIN_HINT = "One text a line, whatever its capitals. Keep it short: it must stand there word for word."
CITE_LABEL = "It must cite"
ABSTAIN_LABEL = "Or"
ABSTAIN_CHOICE = "It must say that it does not know"
WHY_LABEL = "Why this case exists"
COLLECTION_LABEL, NAME_LABEL, TEXT_LABEL = "Collection", "Title", "Text"
TEXT_HINT = (
    "What people should read when they ask this. It is proposed as a change and reviewed like any other."
)


def waiting(title: str, count: int) -> str:
    """To an owner, once a week at most."""
    what = "An answer waits" if count == 1 else f"{count} answers wait"
    return (
        f":inbox_tray: {what} for you: people voted down what *{escape(title)}* said. "
        "Five at a time, each decided with one press."
    )


def opened(shown: int, left: int) -> str:
    """After triage was asked for."""
    if not shown:
        return "Nothing waits for you: no answer of your workflows stands voted down and undecided."
    what = "One answer that was voted down is" if shown == 1 else f"{shown} answers that were voted down are"
    more = f" {left} more wait behind." if left else ""
    return f"{what} in your direct messages with me.{more}"


def heading(title: str, people: int) -> str:
    """At the top of a card."""
    who = "one person" if people == 1 else f"{people} people"
    return f":thumbsdown: *{escape(title)}* · voted down by {who}" if people else f"*{escape(title)}*"


def question(asked: str) -> str:
    """What was asked."""
    return f"*Question*\n{quote(asked, 400)}"


def answer(said: str, *, abstained: bool) -> str:
    """What was answered, in short."""
    first = "*Answer* · says that it does not know" if abstained else "*Answer*"
    return f"{first}\n{quote_document(said, 500)}"


def also_asked(questions: Sequence[str]) -> str:
    """Runs that the decision counts for too."""
    shown = ", ".join(f"“{one_line(each, 120)}”" for each in questions[:3])
    more = f" and {len(questions) - 3} more" if len(questions) > 3 else ""
    return f"Asked in nearly the same words, and decided together: {shown}{more}"


def reasons(counts: Mapping[str, int]) -> str:
    """How often each reason was given."""
    said = (f"{count} × {REASONS[reason].lower()}" for reason, count in counts.items() if reason in REASONS)
    return "Reasons given: " + " · ".join(said)


def correction(person: str, reason: str, said: str) -> str:
    """What somebody says it should have been, with their name: they signed it."""
    why = f" ({REASONS[reason].lower()})" if reason in REASONS else ""
    return f"{mention(person)}{why}: it should have said\n{quote(said, 700)}"


def more_corrections(count: int) -> str:
    """Below the corrections that fit."""
    return f"{count} more {'correction' if count == 1 else 'corrections'}"


def left(count: int) -> str:
    """Below the last card."""
    return f"{count} more {'waits' if count == 1 else 'wait'}."


def decided(state: TriageState, by: str, result: str, when: str) -> str:
    """In place of the buttons."""
    who = mention(by)
    name = f"`{escape(result)}`"
    said = {
        TriageState.CASE: f":white_check_mark: {who} added the case {name}",
        TriageState.PROMPT: f":pencil2: {who} took on to change the prompt {name}",
        TriageState.KNOWLEDGE: f":books: {who} proposed a document, change {name}",
        TriageState.DISMISSED: f":ballot_box_with_check: {who}: not a problem",
        TriageState.WITHDRAWN: ":leftwards_arrow_with_hook: Nobody's vote stands against it any more",
    }
    return f"{said.get(state, '')} · {when}"


def case_added(key: str, workflow: str) -> str:
    """After the form of a case."""
    return (
        f"The case `{escape(key)}` is kept. From now on every change of `{escape(workflow)}` is tested "
        "against it; it may fail until one mends it."
    )


def expects_nothing() -> str:
    """Under the first field of a case that would always pass."""
    return "Say what the answer must contain or cite, or that it must say that it does not know."


def document_proposed(change: str) -> str:
    """After the form of a document."""
    return f"The document is proposed as change `{escape(change)}`. It counts once somebody else approves it."


def on_case(asked: str, said: str) -> str:
    """At the top of the case form."""
    return f"{quote(asked, 300)}\n*It answered*\n{quote_document(said, 300)}"


def not_all_documents(shown: int, count: int) -> str:
    """Slack's menus hold a hundred, with short paths."""
    return f"{shown} of {count} documents; the others can be named in the workflow's file of cases."


def form_late(what: str) -> str:
    """Slack gives three seconds to open a form."""
    return f"Slack let the form expire before it opened. Press *{escape(what)}* once more."
