"""Every sentence of conversational admin. Values are escaped here."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.governance.command_base import AdminCommand
from bot.slack.elements import escape, mention, naming, one_line, shorten, who

DRAFT_KNOWLEDGE = "Draft knowledge"
"""Name of the message shortcut; Slack allows 24 characters."""
DRAFT_TITLE = "Draft knowledge"

STATUS_WORDS: Mapping[str, str] = {
    "open": "It is being tested now; then it waits for approval.",
    "testing": "It is being tested now; then it waits for approval.",
    "in_review": "It waits for approval.",
    "approved": "It is approved and about to take effect.",
    "applied": "It is in force.",
    "undone": "It is taken back.",
}


def heading(kind_title: str) -> str:
    """Above a question or a preview."""
    return f":wrench: *{escape(kind_title)}*"


def understood(words: str, named: Sequence[str]) -> str:
    """The typed command in plain words; `named` are mentions of people and handles of user groups."""
    whom = f" ({', '.join(named)})" if named else ""
    return f"I understood: *{one_line(words, 600)}*{whom}"


def question(why: str, asked: str) -> str:
    """What is asked for."""
    return f"{escape(why[:1].upper() + why[1:])} {escape(asked)}".strip()


def who_answers(person: str, *, has_menu: bool) -> str:
    """Below a question."""
    how = "Choose from the menu or reply here" if has_menu else "Reply here or use the button"
    return f"{how}. Only {mention(person)} can answer. “cancel” lets go of it."


def who_confirms(person: str) -> str:
    """Below a preview."""
    return f"Nothing has changed yet. Only {mention(person)} can confirm this."


def writing() -> str:
    """A model is at work."""
    return (
        ":hourglass_flowing_sand: A model is writing a proposal. The preview comes here; nothing changes yet."
    )


def written_by_model() -> str:
    """Below a preview with a model's wording."""
    return "The wording is a model's proposal: read it before you confirm."


def written_plainly() -> str:
    """Below a preview of an instruction that was put into the prompt as it was said."""
    return "Your instructions are added to the prompt as you said them. *Edit* lets you word it differently."


def moved() -> str:
    """The live version changed between preview and click."""
    return ":warning: It was changed meanwhile. This is the same command on today's version: look again."


def effect(words: str, grantee: str, names: Mapping[str, str]) -> str:
    """What it does, and to whom."""
    return f"*Effect:* {naming(words, grantee, names)}"


def problems(found: Sequence[str]) -> str:
    """Why it cannot be confirmed."""
    listed = "\n".join(f"• {escape(each)}" for each in found[:10])
    return f":warning: This cannot be used as it is:\n{listed}"


def what_next(can_edit: bool) -> str:
    """After problems."""
    first = "Press *Edit* to correct it" if can_edit else "Say it differently"
    return f"{first}, or cancel. Nothing has changed."


def withheld(can_edit: bool) -> str:
    """In a channel, about a document that not everyone there may read."""
    way = "*Edit* shows it to you alone" if can_edit else "Say the same in a direct message to see it"
    return f"The text is not shown here: not everyone may read this collection. {way}."


def same_as_now() -> str:
    """Where there is no difference."""
    return "_It says this already; there is nothing to change._"


def done(facts: Mapping[str, Any], words: str, link: str) -> str:
    """What came of a confirmation."""
    kind = facts.get("kind", "")
    if kind == "proposed":
        return _proposed(facts, words, link)
    if kind == "undone":
        return f":leftwards_arrow_with_hook: Undone: {_request(facts, link)} is taken back."
    if kind == "rolled_back":
        return f":leftwards_arrow_with_hook: {one_line(words, 300)}: done, as {_request(facts, link)}."
    if kind == "piloted":
        return f":test_tube: The pilot of `{escape(str(facts['workflow']))}` runs."
    if kind == "retired":
        return f":no_entry_sign: `{escape(str(facts['workflow']))}` is retired. Its runs stay."
    if kind == "case":
        case, workflow = escape(str(facts["case"])), escape(str(facts["workflow"]))
        return f":white_check_mark: Kept as case `{case}` of `{workflow}`."
    return ":hourglass_flowing_sand: Confirmed. It is being carried out."


def _proposed(facts: Mapping[str, Any], words: str, link: str) -> str:
    status = STATUS_WORDS.get(str(facts.get("status", "")), "")
    said = one_line(words, 300).rstrip(".")
    return f":white_check_mark: Confirmed: {said}. {_request(facts, link)}. {status}".strip()


def _request(facts: Mapping[str, Any], link: str) -> str:
    name = f"change request `{escape(str(facts.get('change', '')))}`"
    return f"<{link}|Change request {escape(str(facts.get('change', '')))}>" if link else name


def cancelled() -> str:
    """After Cancel."""
    return "Cancelled. Nothing has changed."


def unclear() -> str:
    """A model could not make a command of it either."""
    return (
        "I could not tell what to change. Say it in other words; `/spanwise help` lists what you may say, "
        "and `/spanwise edit` opens a form."
    )


def expired() -> str:
    """Nobody answered for a day."""
    return "Nobody answered this for a day, so it is void. Nothing has changed. Say it again to go on."


def unsure(kinds: Sequence[type[AdminCommand]]) -> str:
    """About a workflow's inside, and not clear what."""
    listed = "\n".join(f"• _{example(each.examples[0])}_" for each in kinds)
    return f"I take this for something to change, but cannot tell what. Did you mean one of these?\n{listed}"


def sayable(commands: Sequence[type[AdminCommand]]) -> str:
    """What this person may say."""
    lines = [f"• *{escape(each.title)}*: _{example(each.examples[0])}_" for each in commands]
    return "*You may also say, to me here or in a channel with a mention:*\n" + "\n".join(lines)


def example(sentence: str) -> str:
    """An example sentence, people by name."""
    shown = sentence.replace("<!subteam^S0LEADS|@leads>", "@leads")
    for person in ("ANA", "BEN"):
        shown = shown.replace(f"<@U0{person}>", f"@{person.lower()}")
    return one_line(shown, 200)


def line(text: str, by: str, change: str, approved_by: Sequence[str] = (), about: str = "") -> str:
    """One fact of an answer: what, who, from which change request."""
    came_by = "" if not by else f" · by {who(by)}"
    came_by += f" · approved by {', '.join(map(mention, approved_by))}" if approved_by else ""
    came = f" · change request `{escape(change)}`" if change else ""
    return f"• {naming(shorten(text, 400), about)}{came_by}{came}"


def nothing_found() -> str:
    """An answer without lines."""
    return "_Nothing is on record._"


def no_collections() -> str:
    """The shortcut, for somebody who may change no documents."""
    return (
        ":lock: You may not change the documents of any collection. "
        "Ask an admin for the role of editor over one."
    )


def no_thread() -> str:
    """The shortcut on a message we cannot read."""
    return "I cannot read that thread. Invite me to the channel with `/invite`, then try again."


def draft_was_cut() -> str:
    """Below a text that is longer than the form."""
    return ":scissors: The rest does not fit into a form and is left out."


def drafting_hint() -> str:
    """Below the form."""
    return (
        "Names of those who wrote or were mentioned are taken out; read it through for others. "
        "It is proposed, and somebody else approves it."
    )


def drafted(change: str) -> str:
    """After a knowledge form was sent off."""
    return f":white_check_mark: Proposed as change request `{escape(change)}`. It waits for approval."
