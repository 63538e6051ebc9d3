"""Menu, drafts, and the form of a prompt. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bot.adapters.store.drafts_log import StoredDraft
from bot.governance.differences import changed_parts, differences
from bot.services.catalogue import Released
from bot.services.drafting import Editing, EditMenu, target_of
from bot.services.effects import readable
from bot.slack import edit_text as text
from bot.slack import elements as el
from bot.slack.blocks import notice
from bot.slack.change_blocks import difference
from bot.slack.edit_memory import carried, packed
from bot.slack.elements import Outgoing
from bot.slack.forms import FIELD
from bot.slack.long_text import Cut, Joined, cut, join
from bot.slack.richtext import Block
from workflows.prompt_edits import PromptFlaw, prompt_body, variables_for

PROMPT_FORM = "edit-prompt"
"""Callback id."""
EDIT, EDIT_MENU, DRAFT_OPEN, DRAFT_DROP = "edit-open", "edit-menu", "edit-draft", "edit-drop"
START_OVER, AS_FILE = "edit-start-over", "edit-as-file"
"""Action ids."""
DIFF_CHARACTERS = 2_500


def menu_message(menu: EditMenu) -> Outgoing:
    """What a person may edit of a workflow, each with its button."""
    workflow = menu.released.workflow
    rows = [
        el.section(
            f"{text.target_name(target, workflow)}\n{text.target_about(target, workflow)}",
            el.button(
                "Go on" if target in menu.drafts else "Edit",
                EDIT,
                carried(target),
                about=f"Edit {target.kind} {target.name}",
            ),
        )
        for target in menu.targets
    ]
    return notice(text.menu_heading(menu.released.title, menu.released.name), *rows)


def editable_message(editable: Sequence[Released]) -> Outgoing:
    """The workflows a person may edit."""
    if not editable:
        return notice(text.nothing_editable())
    rows = [
        el.section(
            f"*{el.escape(item.title)}* (`/{el.escape(item.name)}`)",
            el.button("Choose", EDIT_MENU, item.name, about=f"Edit {item.title}"),
        )
        for item in editable[:40]
    ]
    return notice(text.editable_heading(), *rows)


def drafts_message(drafts: Sequence[StoredDraft]) -> Outgoing:
    """A person's drafts, each to open or to throw away."""
    if not drafts:
        return notice(text.no_drafts())
    rows: list[Block] = []
    for draft in drafts[:20]:
        target = target_of(draft)
        rows.append(
            el.section(text.draft_line(target, draft.why, el.moment(draft.updated_at), draft.content))
        )
        drop = el.confirming(
            el.button("Delete", DRAFT_DROP, draft.id, style="danger", about=f"Delete draft {draft.id}"),
            title="Delete this draft?",
            text="Its text is gone then. What is live stays as it is.",
            yes="Delete",
            no="Keep",
        )
        rows.append(el.actions(el.button("Open", DRAFT_OPEN, draft.id, about=f"Open draft {draft.id}"), drop))
    return notice(text.drafts_heading(len(drafts)), *rows)


def too_late_message(editing: Editing) -> Outgoing:
    """The form did not open in time; the button opens it again."""
    target, is_kept = editing.edit.target, editing.edit.revision > 0
    again = (
        el.button("Open the draft", DRAFT_OPEN, editing.edit.draft_id, style="primary")
        if is_kept
        else el.button("Open the form", EDIT, carried(target), style="primary")
    )
    return notice(text.form_too_late(target, is_kept), el.actions(again))


def prompt_form(editing: Editing, place: Mapping[str, str], *, why: str = "") -> Block:
    """The form of a prompt; `why` says what handed the text over. Its text must fit in a form."""
    made = cut(prompt_body(editing.edit.content))
    blocks = [
        el.context(text.belongs_to(editing.edit.target, editing.live.users, editing.live.mover)),
        *state_blocks(editing, why),
        el.section(_variables(editing)),
        *_fields(editing, made),
        *closing_blocks(editing, why),
        el.actions(el.button("Edit as a file instead", AS_FILE, editing.edit.draft_id)),
    ]
    return el.modal(
        "Edit a prompt",
        blocks,
        callback_id=PROMPT_FORM,
        metadata=packed(based_on_live(editing), place, s=list(made.gaps)),
        submit="Propose",
        close="Close",
    )


def state_blocks(editing: Editing, why: str = "") -> Iterator[Block]:
    """What the person should know before anything else: a draft, a text handed over, a base that moved."""
    if editing.has_moved:
        yield el.section(text.moved(editing.live.mover))
        yield from _difference(editing)
    elif editing.draft is not None:
        words = text.resumed() if editing.draft.why != "handed over" else text.handed_over(why)
        yield el.section(
            words,
            el.button("Start over", START_OVER, editing.edit.draft_id, about="Start over from what is live"),
        )
    elif why:
        yield el.section(text.handed_over(why))


def closing_blocks(editing: Editing, why: str = "", banner: str = "") -> Iterator[Block]:
    """What stands beside the button: why the last press of it did nothing, and the reason."""
    if editing.has_moved:
        yield el.section(text.moved_above(editing.live.mover))
    if banner:
        yield el.section(banner)
    yield reason_field(editing.edit.reason or why)


def reason_field(reason: str) -> Block:
    """One line on why."""
    element = el.text_input(FIELD, reason, limit=300, multiline=False)
    return el.field_block("reason", text.REASON_LABEL, element, hint=text.REASON_HINT)


def read_reason(state: Mapping[str, Mapping[str, Block]]) -> str:
    """What was written as the reason."""
    return str(((state.get("reason") or {}).get(FIELD) or {}).get("value") or "").strip()


def read_prompt(state: Mapping[str, Mapping[str, Block]], gaps: Sequence[str]) -> Joined:
    """The prompt's text put together from its fields."""
    return join(
        [str((state[block].get(FIELD) or {}).get("value") or "") for block in _text_blocks(state)], gaps
    )


def prompt_errors(
    flaws: Sequence[PromptFlaw], joined: Joined, state: Mapping[str, Mapping[str, Block]]
) -> dict[str, str]:
    """What is wrong, by the field it stands in."""
    blocks = _text_blocks(state)
    errors: dict[str, str] = {}
    placed = [(blocks[min(joined.piece_at(flaw.offset), len(blocks) - 1)], flaw) for flaw in flaws]
    for block, flaw in placed:
        more = sum(other == block for other, _ in placed) - 1
        said = text.hole_flaw(flaw.hole, flaw.message, more)
        errors.setdefault(block, el.shorten(said, ERROR_CHARACTERS))
    return errors


ERROR_CHARACTERS = 250
"""Of a message under a field, so that it is read."""


def _text_blocks(state: Mapping[str, Mapping[str, Block]]) -> list[str]:
    return sorted(
        (block for block in state if block.startswith("text:")),
        key=lambda block: int(block.split(":")[1].partition("@")[0]),
    )


def _fields(editing: Editing, made: Cut) -> Iterator[Block]:
    for number, piece in enumerate(made.pieces, 1):
        label = text.text_label(number, len(made.pieces))
        # Slack keeps what was typed under an id it has seen, so another text has other ids
        block_id = f"text:{number}@{editing.edit.draft_id}.{editing.edit.revision}"
        hint = text.TEXT_HINT if number == len(made.pieces) else ""
        is_first_of_many = len(made.pieces) > 1
        yield el.field_block(
            block_id, label, el.text_input(FIELD, piece), hint=hint, optional=is_first_of_many
        )


def _variables(editing: Editing) -> str:
    known = variables_for(editing.edit.target.name, editing.live.users)
    lines = [text.variable(each.name, each.about) for each in known if each.is_filled]
    return "\n".join([text.variables_heading(), *lines])


def _difference(editing: Editing) -> list[Block]:
    """What the text would change of what is live, in the parts that differ."""
    live, edit = editing.live, editing.edit
    old, new = live.text, edit.content
    if edit.target.kind == "prompt":
        old, new = prompt_body(old), prompt_body(new)
    old, new = (readable(edit.target, text, live.workflow) for text in (old, new))
    return difference(changed_parts(differences(old, new), limit=DIFF_CHARACTERS))


def based_on_live(editing: Editing) -> Editing:
    """Who has been shown what moved proposes on what is live now."""
    return replace(editing, edit=replace(editing.edit, base_hash=editing.live.hash))
