"""What a change of a decision table does, in one plain sentence, and the table in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from workflows.decision_tables import Row, read_table, table_steps
from workflows.definition import InvalidWorkflow
from workflows.plain_words import example_in_words, in_words, outcome_in_words
from workflows.rule_checks import Finding
from workflows.table_edits import check_table, new_overlaps
from workflows.table_names import KnownName, names_for
from workflows.workflow import Workflow

LONG = 300
"""Characters of a condition in a sentence."""


def rules_in_words(text: str, workflow: Workflow | None, step: str) -> str:
    """A table as lines of words. Raises InvalidWorkflow when it is none."""
    names = _names(workflow, step)
    return "".join(f"{_line(row, names)}\n" for row in read_table(text))


def rules_effect(old: str, new: str, workflow: Workflow | None, step: str, *, title: str) -> str:
    """From when, where, what is decided otherwise, and which rules contradict each other from then on."""
    try:
        before, after = read_table(old), read_table(new)
    except InvalidWorkflow:
        return f"From the next run on, {title} decides by other rules."
    names = _names(workflow, step)
    parts = [f"From the next run on, {title} {_difference(before, after, names)}"]
    if workflow is not None and step in table_steps(workflow):
        known, found = check_table(workflow, step, before), check_table(workflow, step, after)
        overlaps = new_overlaps(found, after, known, before)
        parts += [_overlap(each, after, names) for each in overlaps[:1]]
        more = sorted({number for each in overlaps[1:] for number in each.rules[:1]})
        parts += [f"so do more rules: {', '.join(map(str, more))}"] if more else []
    return f"{'; '.join(parts)}."


def _names(workflow: Workflow | None, step: str) -> tuple[KnownName, ...]:
    return names_for(workflow, step) if workflow is not None and step in table_steps(workflow) else ()


def _line(row: Row, names: Sequence[KnownName]) -> str:
    because = f", because: {row['because']}" if row.get("because") else ""
    if "otherwise" in row:
        return f"Otherwise {outcome_in_words(row['otherwise'])}{because}"
    return f"When {_when(row, names)} then {outcome_in_words(row.get('then', ''))}{because}"


def _when(row: Row, names: Sequence[KnownName]) -> str:
    condition = row.get("when", "")
    return in_words(condition, names) if names and condition else condition


def _difference(before: Sequence[Row], after: Sequence[Row], names: Sequence[KnownName]) -> str:
    come = [row for row in _rules(after) if _essence(row) not in set(map(_essence, before))]
    gone = [row for row in _rules(before) if _essence(row) not in set(map(_essence, after))]
    if len(come) == 1 and not gone:
        place = 1 + next(at for at, row in enumerate(after) if row is come[0])
        order = "before every other rule" if place == 1 else f"as rule {place} of {len(after)}"
        return f"decides {_named(come[0])} when {_told(come[0], names)}, tried {order}"
    if len(come) == len(gone) == 1:
        return _replaced(gone[0], come[0], names)
    if len(gone) == 1 and not come:
        return f"no longer has the rule that decides {_named(gone[0])} when {_told(gone[0], names)}"
    if come or gone:
        return f"decides by {_rows(after)}, of which {len(come)} new, instead of {_rows(before)}"
    if _last(before) != _last(after):
        return f"decides {_last(after)} instead of {_last(before)} when no rule holds"
    if [_essence(row) for row in before] != [_essence(row) for row in after]:
        return "tries the same rules in another order"
    return "gives other reasons and decides as before"


def _replaced(gone: Row, come: Row, names: Sequence[KnownName]) -> str:
    now, then = _told(come, names), _told(gone, names)
    if come.get("when") == gone.get("when"):
        return f"decides {_named(come)} instead of {_named(gone)} when {now}"
    if come.get("then") == gone.get("then"):
        return f"decides {_named(come)} when {now} instead of when {then}"
    return f"decides {_named(come)} when {now}, in place of the rule that decided {_named(gone)} when {then}"


def _overlap(found: Finding, rows: Sequence[Row], names: Sequence[KnownName]) -> str:
    later, earlier = found.rules
    case = f", for example when {example_in_words(found.example, names)}," if found.example else ""
    wins, loses = _named(rows[earlier - 1]), _named(rows[later - 1])
    return f"rules {earlier} and {later} overlap: where both hold{case} it is {wins} and not {loses}"


def _rules(rows: Iterable[Row]) -> Iterator[Row]:
    return (row for row in rows if row.get("when"))


def _essence(row: Mapping[str, str]) -> tuple[str, str]:
    """What a rule decides, whatever reason it gives."""
    return row.get("when", ""), row.get("then", "")


def _named(row: Row) -> str:
    return f"“{outcome_in_words(row.get('then') or row.get('otherwise', ''))}”"


def _told(row: Row, names: Sequence[KnownName]) -> str:
    said = _when(row, names)
    return said if len(said) <= LONG else f"{said[:LONG]}…"


def _last(rows: Sequence[Row]) -> str:
    return next((_named(row) for row in rows if row.get("otherwise")), "nothing")


def _rows(rows: Sequence[Row]) -> str:
    return "1 rule" if len(rows) == 1 else f"{len(rows)} rules"
