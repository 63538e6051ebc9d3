"""Every sentence around a vote: what was wrong, what it should have said, and what comes of it."""

from collections.abc import Mapping

from bot.quality.complaint import Reason
from bot.slack.elements import escape, mention, one_line
from bot.slack.text import quote, quote_document

TITLE = "What was wrong?"
REASON_LABEL, CORRECTION_LABEL = "What is wrong with it", "What should it have said?"
CORRECTION_HINT = "In your own words. The workflow's owners read it with your name; nobody else does."
SAY_MORE = "Say what was wrong"

REASONS: Mapping[str, str] = {
    Reason.WRONG: "It is wrong",
    Reason.INCOMPLETE: "Something is missing",
    Reason.OUT_OF_DATE: "It is out of date",
    Reason.WRONG_SOURCE: "It relies on the wrong source",
    Reason.SHOULD_ABSTAIN: "It should have said that it does not know",
    Reason.SHOULD_KNOW: "It should have known this",
    Reason.TONE: "The tone is off",
    Reason.OTHER: "Something else",
}
"""By what is kept; plain text, as Slack takes it for a choice."""


def opening(title: str, question: str) -> str:
    """Above the form: the vote is safe already."""
    asked = f"\n{quote(question, 300)}" if question else ""
    return f"Your thumbs down for *{escape(title)}* is kept. This is optional and helps to mend it.{asked}"


def thanks_down(changed: bool, opened: bool) -> str:
    """After a thumbs down, which is on record by then."""
    first = "Noted: thumbs down. You changed your vote." if changed else "Noted: thumbs down."
    late = "" if opened else " Slack let the form expire before it opened."
    return f"{first} Thank you for saying so.{late} What was wrong, and what should it have said?"


def taken_up(correction: bool) -> str:
    """After the form."""
    what = "What it should have said is" if correction else "The reason is"
    return (
        f"Thank you. {what} with the owners of the workflow. "
        "When a change makes the answer a different one, I send it to you."
    )


def nothing_said() -> str:
    """The form was sent off empty."""
    return "Your thumbs down stays as it is."


def fixed_heading(title: str, what: str, by: str) -> str:
    """Above the new answer to somebody's own question."""
    who = f" by {mention(by)}" if by else ""
    change = one_line(what, 200).rstrip(".")
    return (
        f":wrench: You voted this answer down. *{escape(title)}* was changed since{who}"
        f"{f' ({change})' if change else ''}; here is the new answer to your question."
    )


def fixed_plain(title: str, answer: str) -> str:
    """The same, for notifications."""
    return f"You voted an answer of {title} down. It was changed since; the new answer: {answer}"


def answered_then(answer: str, *, abstained: bool) -> str:
    """The old answer, quoted."""
    heading = "*The answer you voted down* · not covered by what I could read" if abstained else ""
    return f"{heading or '*The answer you voted down*'}\n{quote_document(answer, 400)}"


def fixed_question(question: str) -> str:
    """The question that was asked again."""
    return f"*Your question*\n{quote(question, 300)}"


def fixed_answer() -> str:
    """Above the new answer."""
    return "*The answer now*"


def fixed_votes() -> str:
    """Below the thumbs under the new answer."""
    return "Is it better? Your vote here says whether the change helped; you can change it at any time."
