"""The form of a decision table: one row a rule in plain words, and the form of one row. Pure."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bot.services.drafting import Editing
from bot.slack import elements as el
from bot.slack import table_sentences as text
from bot.slack.edit_memory import packed
from bot.slack.edit_views import ERROR_CHARACTERS, based_on_live, closing_blocks, state_blocks
from bot.slack.forms import FIELD
from bot.slack.richtext import Block
from workflows.decision_tables import Row, read_table, rows_of, table_text
from workflows.definition import InvalidWorkflow
from workflows.plain_conditions import said
from workflows.plain_words import in_words, outcome_in_words
from workflows.rule_checks import Finding
from workflows.table_edits import Rows, TableCheck, check_table, new_overlaps
from workflows.table_names import KnownName, names_for
from workflows.workflow import Workflow

TABLE_FORM, ROW_FORM = "edit-table", "edit-row"
"""Callback ids."""
ROW_MENU, ROW_ADD, LAST_EDIT = "edit-row-menu", "edit-row-add", "edit-row-last"
PAGE_BACK, PAGE_ON = "edit-table-back", "edit-table-on"
ROW_GO_ON, ROW_FORGET = "edit-row-go-on", "edit-row-forget"
"""Action ids."""
PAGE_ROWS = 25
"""Rules on one page: each takes up to three of Slack's hundred blocks."""
NAMES = 40


def step_of(editing: Editing) -> str:
    """The step whose table it is."""
    return editing.edit.target.name.partition("/")[2]


def rows_in(editing: Editing) -> Rows:
    """The rows as they stand in the edit; those that are live for a text that is no table."""
    return _read(editing)[0]


def _read(editing: Editing) -> tuple[Rows, str]:
    """The rows, and why the text could not be read as a table; empty when it could."""
    try:
        return read_table(editing.edit.content), ""
    except InvalidWorkflow as error:
        return rows_of(editing.live.workflow, step_of(editing)), str(error.problems[0])


def check_of(editing: Editing) -> TableCheck:
    """What can be said of the table as it stands."""
    return _check(_Table(editing.live.workflow, step_of(editing), table_text(rows_in(editing))))


@dataclass(frozen=True, slots=True)
class _Table:
    """A table in a workflow, told apart by what they say."""

    workflow: Workflow = field(compare=False)
    step: str
    text: str
    hash: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", self.workflow.content_hash)


@lru_cache(maxsize=128)
def _check(table: _Table) -> TableCheck:
    """Trying a dozen rules on all that could make a difference takes half a second, so it is done once."""
    return check_table(table.workflow, table.step, read_table(table.text))


def new_overlaps_of(editing: Editing) -> tuple[Finding, ...]:
    """Overlaps that the live table does not have."""
    live = rows_of(editing.live.workflow, step_of(editing))
    before = _check(_Table(editing.live.workflow, step_of(editing), table_text(live)))
    return new_overlaps(check_of(editing), rows_in(editing), before, live)


async def look_at(editing: Editing) -> Editing:
    """Try the table's rules beside the event loop, so that drawing it finds what came of that."""
    if editing.edit.target.kind == "rules":
        await asyncio.to_thread(new_overlaps_of, editing)
    return editing


def names_of(editing: Editing) -> tuple[KnownName, ...]:
    """The names its conditions may use."""
    return names_for(editing.live.workflow, step_of(editing))


def table_form(
    editing: Editing,
    place: Mapping[str, str],
    *,
    why: str = "",
    banner: str = "",
    page: int = 1,
    accepted: str = "",
) -> Block:
    """The table; `accepted` names the overlaps that were seen and wanted."""
    rows, check, names = rows_in(editing), check_of(editing), names_of(editing)
    pages = max(1, -(-(len(rows) - 1) // PAGE_ROWS))
    page = max(1, min(page, pages))
    edit = editing.edit
    blocks = [
        el.context(text.table_heading(edit.target, editing.live.users, editing.live.mover)),
        *_unreadable(editing),
        *state_blocks(editing, why),
        *_unfinished(editing),
        *(el.section(text.row_flaw(0, flaw.message)) for flaw in check.flaws if not flaw.row),
        *_rules(editing, rows, names, page),
        *([_last(rows), *_last_notes(editing, rows, names)] if page == pages else []),
        el.actions(*_buttons(page, pages)),
        *closing_blocks(editing, why, banner),
    ]
    return el.modal(
        "Edit a decision table",
        blocks,
        callback_id=TABLE_FORM,
        metadata=packed(based_on_live(editing), place, p=page, a=accepted),
        submit="Propose",
        close="Close",
    )


def row_form(editing: Editing, place: Mapping[str, str], *, row: int, root: str, page: int) -> Block:
    """One rule: row 0 is a new one, the number after the last rule is `otherwise`."""
    rows, names = rows_in(editing), names_of(editing)
    is_last, is_new = row == len(rows), row == 0
    given: Row = {} if is_new else rows[row - 1]
    if editing.edit.unfinished.get("row") == str(row):
        given = {**given, **editing.edit.unfinished}
        given["otherwise"] = given.get("then", "") if is_last else ""
    title = "Otherwise" if is_last else "A new rule" if is_new else f"Rule {row}"
    blocks: list[Block] = []
    if not is_last:
        words = given.get("typed") or in_words(given.get("when", ""), names)
        blocks.append(_when(editing, words))
    outcome = given.get("otherwise" if is_last else "then", "")
    blocks += [_then(editing, rows, outcome), _because(editing, given.get("because", ""))]
    if not is_last:
        blocks.append(_place(rows, row))
        blocks.append(el.section(_known_names(names)))
    memory = packed(editing, place, i=row, v=root, p=page)
    return el.modal(title, blocks, callback_id=ROW_FORM, metadata=memory, submit="Save rule", close="Cancel")


def read_row(state: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What was entered: `when`, `then`, `because` and, as a number, `at`; empty where nothing was."""
    found = {}
    for block, elements in state.items():
        element = elements.get(FIELD) or {}
        chosen = (element.get("selected_option") or {}).get("value")
        found[block.partition("@")[0]] = str(chosen or element.get("value") or "").strip()
    return found


def row_errors(problems: Mapping[str, str], state: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What is wrong, by field."""
    blocks = {block.partition("@")[0]: block for block in state}
    return {
        blocks[key]: el.shorten(problem, ERROR_CHARACTERS)
        for key, problem in problems.items()
        if key in blocks
    }


def _rules(editing: Editing, rows: Rows, names: Sequence[KnownName], page: int) -> Iterator[Block]:
    check, new = check_of(editing), new_overlaps_of(editing)
    outcomes = _outcomes(rows)
    first = (page - 1) * PAGE_ROWS
    for number, row in enumerate(rows[:-1][first : first + PAGE_ROWS], first + 1):
        when = in_words(row.get("when", ""), names)
        words = text.rule(number, when, row.get("then", ""), row.get("because", ""))
        yield el.section(words, _row_menu(number, len(rows) - 1))
        notes = [text.row_flaw(flaw.row, flaw.message) for flaw in check.flaws if flaw.row == number]
        notes += [
            text.finding(each, names, outcomes)
            for each in check.findings
            if each.rules[0] == number and (each.kind != "overlap" or each in new)
        ]
        if notes:
            yield el.context(*notes)


def _row_menu(number: int, last: int) -> Block:
    options = [el.option("Edit", f"edit:{number}")]
    options += [el.option("Move up", f"up:{number}")] if number > 1 else []
    options += [el.option("Move down", f"down:{number}")] if number < last else []
    options.append(el.option("Delete", f"delete:{number}"))
    return {"type": "overflow", "action_id": ROW_MENU, "options": options}


def _last(rows: Rows) -> Block:
    row = rows[-1]
    words = text.otherwise(row.get("otherwise", ""), row.get("because", ""))
    return el.section(
        words, el.button("Edit", LAST_EDIT, str(len(rows)), about="Edit what happens otherwise")
    )


def _last_notes(editing: Editing, rows: Rows, names: Sequence[KnownName]) -> Iterator[Block]:
    check, new = check_of(editing), new_overlaps_of(editing)
    notes = [
        text.finding(each, names, _outcomes(rows)) for each in check.findings if each.rules[0] == len(rows)
    ]
    notes += [text.row_flaw(flaw.row, flaw.message) for flaw in check.flaws if flaw.row == len(rows)]
    known = sorted({each.rules[0] for each in check.overlaps if each not in new})
    if known:
        notes.append(text.known_overlaps(known))
    if notes:
        yield el.context(*notes)


def _unreadable(editing: Editing) -> Iterator[Block]:
    why = _read(editing)[1]
    if why:
        yield el.section(text.unreadable(why))
        yield el.section(f"```{el.escape(el.shorten(editing.edit.content, 2000)).replace('`', 'ˋ')}```")


def _unfinished(editing: Editing) -> Iterator[Block]:
    kept = editing.edit.unfinished
    if kept:
        button = el.button(
            "Go on", ROW_GO_ON, str(kept.get("row", "0")), about="Go on with the rule you began"
        )
        yield el.section(text.unfinished(kept.get("typed", ""), kept.get("problem", "")), button)


def _buttons(page: int, pages: int) -> Iterator[Block]:
    yield el.button("Add a rule", ROW_ADD, "0")
    if page > 1:
        yield el.button("Rules before", PAGE_BACK, str(page - 1), about=text.page_of(page - 1, pages))
    if page < pages:
        yield el.button("More rules", PAGE_ON, str(page + 1), about=text.page_of(page + 1, pages))


def _when(editing: Editing, words: str) -> Block:
    element = el.text_input(FIELD, words, limit=1000)
    return el.field_block(_id("when", editing), "When", element, hint=text.WHEN_HINT)


def _then(editing: Editing, rows: Rows, outcome: str) -> Block:
    element = el.text_input(FIELD, outcome_in_words(outcome), limit=60, multiline=False)
    known = tuple(dict.fromkeys(_outcomes(rows)))
    return el.field_block(_id("then", editing), "Then it is", element, hint=text.then_hint(known))


def _because(editing: Editing, because: str) -> Block:
    element = el.text_input(FIELD, because, limit=300)
    return el.field_block(_id("because", editing), "Because", element, hint=text.BECAUSE_HINT, optional=True)


def _place(rows: Rows, row: int) -> Block:
    last = len(rows) - (1 if row else 0)
    options = [el.option(_place_name(number, last), str(number)) for number in range(1, last + 1)][:100]
    return el.field_block("at", "Place", el.select(FIELD, options, str(row or last)))


def _place_name(number: int, last: int) -> str:
    if number == 1:
        return "1, tried first"
    return f"{number}, just before otherwise" if number == last else str(number)


def _id(name: str, editing: Editing) -> str:
    return f"{name}@{editing.edit.draft_id}.{editing.edit.revision}"


def _known_names(names: Sequence[KnownName]) -> str:
    lines = [text.name_line(said(name.reference, names), name) for name in names[:NAMES]]
    return "\n".join([text.names_heading(""), *lines])


def _outcomes(rows: Sequence[Row]) -> list[str]:
    return [row.get("then") or row.get("otherwise") or "" for row in rows]
