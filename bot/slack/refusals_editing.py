"""Sentences for what can go wrong while editing, beside the table that `refusals` merges."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from bot.slack.elements import escape

Facts: TypeAlias = Mapping[str, str]


def unknown_draft(facts: Facts) -> str:
    """No such draft of theirs."""
    return f"You have no draft `{escape(facts.get('draft', ''))}`. `/spanwise drafts` lists those you have."


def draft_moved(_facts: Facts) -> str:
    """Another window was first."""
    return "You changed this draft in another window. Open it again from `/spanwise drafts`; nothing is lost."


def base_moved(facts: Facts) -> str:
    """Somebody else changed what the text was made from."""
    return (
        f"`{escape(facts.get('name', ''))}` was changed after you began, so nothing was proposed. Your text "
        "is kept as a draft: open it from `/spanwise drafts`, look at both, and propose again."
    )


def nothing_to_edit(facts: Facts) -> str:
    """No form for it."""
    return (
        f"There is nothing to edit under `{escape(facts.get('name', ''))}`. `/spanwise edit` lists the "
        "prompts, parameters and decision tables you may edit."
    )


def not_text(facts: Facts) -> str:
    """The upload is no text."""
    return (
        f"I cannot read “{escape(facts.get('file', 'that file'))}” as text. Save it as plain text (UTF-8) "
        "and upload it again. Your draft is as it was."
    )


def file_too_large(facts: Facts) -> str:
    """The upload is larger than a prompt may be."""
    return (
        f"“{escape(facts.get('file', 'That file'))}” is larger than {escape(facts.get('limit', ''))}, more "
        "than a prompt may be. Shorten it and upload it again. Your draft is as it was."
    )


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "BaseMoved": base_moved,
    "DraftMoved": draft_moved,
    "FileTooLarge": file_too_large,
    "NotText": not_text,
    "NothingToEdit": nothing_to_edit,
    "UnknownDraft": unknown_draft,
}
