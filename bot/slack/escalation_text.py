"""What is said around a question that a person is asked because the knowledge did not cover it."""

from bot.slack.elements import escape, mention, one_line, shorten
from bot.slack.text import quote

ASK_SOMEBODY = "Ask a person"
REPLY, DECLINE = "Reply", "I cannot answer this"
FORM_TITLE = "Answer the question"
TEXT_LABEL, TEXT_HINT = "Your answer", "The person who asked gets it as you write it."
KEEP_LABEL, KEEP_CHOICE = "Next time", "Propose it as a document, so that the next person finds it"
COLLECTION_LABEL, NAME_LABEL = "Collection", "Title of the document"


def ask(name: str) -> str:
    """The button below an answer that says it does not know."""
    return shorten(f"Ask {name}", 75) if name else ASK_SOMEBODY


def ask_title() -> str:
    """Above the question before it is handed on."""
    return "Hand your question on?"


def ask_consent(name: str) -> str:
    """What happens to it."""
    return shorten(f"{name or 'The person who answers for this'} will read your question and your name.", 300)


def asked_note(asker: str = "") -> str:
    """In place of the button, once it was pressed; where others read it, with who asked."""
    if asker:
        return f":raised_hand: {mention(asker)} handed this question to a person, whose reply goes to them."
    return ":raised_hand: You handed this question to a person; the reply comes as a direct message from me."


def asked(person: str) -> str:
    """To whoever pressed it."""
    return f"{mention(person)} has your question now. I bring you the reply as soon as there is one."


def heading(person: str, title: str) -> str:
    """On the card of the person who is asked."""
    who, what = mention(person), escape(title)
    return f":raised_hand: {who} asked *{what}*, and nothing it reads answers that. Can you?"


def question(words: str) -> str:
    """What was asked."""
    return f"*The question*\n{quote(words, 1500)}"


def others(count: int) -> str:
    """How many the answer would help."""
    who = "Another person" if count == 1 else f"{count} other people"
    return f"{who} asked nearly the same in the last 60 days and got no answer either."


def why_you(owner_of: str) -> str:
    """How the person was found."""
    if owner_of:
        return f"You get this because you own “{one_line(owner_of, 100)}”, the nearest page there is."
    return "You get this because you own the workflow."


def replied(person: str, reply: str, when: str) -> str:
    """On the card, once it was answered."""
    return f"*{mention(person)} replied* {when}\n{quote(reply, 1500)}"


def declined(person: str, when: str) -> str:
    """On the card, once it was declined."""
    return f"{mention(person)} could not answer this {when}."


def kept(change: str) -> str:
    """What became of the reply."""
    return (
        f"Proposed as a document: change `{escape(change)}`. Once it is applied, everybody who asked is told."
    )


def known(change: str) -> str:
    """The same, later."""
    return f"Part of the knowledge since change `{escape(change)}` was applied."


def on_form(person: str, words: str) -> str:
    """At the top of the form."""
    return f"{mention(person)} asked\n{quote(words, 1500)}"


def cannot_write() -> str:
    """Instead of the fields of a document."""
    return "You may edit none of the collections it reads, so your reply goes to the person alone."


def reply_heading(person: str, title: str) -> str:
    """To the person who asked."""
    return f":speech_balloon: {mention(person)} answered what *{escape(title)}* could not."


def reply_label() -> str:
    """Above the reply."""
    return "*The reply*"


def reply_is_human() -> str:
    """Who says so."""
    return "Written by a person, not by a model."


def declined_heading(person: str, title: str) -> str:
    """To the person who asked, when there is no answer."""
    return (
        f"{mention(person)} could not answer what you asked *{escape(title)}* either. "
        "The question stays on the list of what is not covered, which the owners see each week."
    )


def done(change: str) -> str:
    """To the person who replied."""
    if change:
        return f"Sent. Your reply is also proposed as a document: change `{escape(change)}`."
    return "Sent."


def gap_heading(title: str, what: str, by: str) -> str:
    """Above the new answer to a question that had none."""
    who = f" by {mention(by)}" if by else ""
    change = one_line(what, 200).rstrip(".")
    return (
        f":bulb: You asked *{escape(title)}* something that nothing answered. It was added since{who}"
        f"{f' ({change})' if change else ''}; here is the answer."
    )


def gap_plain(title: str, answer: str) -> str:
    """The same, for notifications."""
    return f"{title} can answer now what it could not: {answer}"


def gap_votes() -> str:
    """Below the thumbs."""
    return "Does it answer your question? Your vote here counts as any other."
