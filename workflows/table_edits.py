"""A decision table while somebody edits it: rows moved about, and what is wrong or worth knowing of them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workflows.decision_tables import Row, table_text, with_tables
from workflows.definition import InvalidWorkflow
from workflows.reader import Problem
from workflows.rule_checks import Finding, findings, pair_findings
from workflows.rules import InvalidCondition, Rule, parse_condition
from workflows.workflow import Workflow

Rows = tuple[dict[str, str], ...]

BLOCKING = frozenset({"duplicate", "impossible", "unreachable"})
"""Findings with which a workflow is not loaded."""

_PLACE = re.compile(r"steps\.\d+\.rules(?:\.(\d+))?(?:\.(\w+))?$")


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that keeps the table from being used."""

    row: int
    """From 1; 0 for the table as a whole."""
    key: str
    """`when`, `then`, `because`, `otherwise`, or empty."""
    message: str


@dataclass(frozen=True, slots=True)
class TableCheck:
    """What can be said of a table before it decides."""

    flaws: tuple[Flaw, ...]
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether a workflow may have it."""
        return not self.flaws and not any(self.blocks(finding) for finding in self.findings)

    @property
    def overlaps(self) -> tuple[Finding, ...]:
        """Rules that can both hold and say different things."""
        return tuple(finding for finding in self.findings if finding.kind == "overlap")

    def blocks(self, finding: Finding) -> bool:
        """Whether a finding keeps the table from being used; that `otherwise` is never reached does not."""
        return finding.kind in BLOCKING and finding.rules[0] < self.size

    size: int = 0
    """Rows, `otherwise` among them."""


def check_table(workflow: Workflow, step_id: str, rows: Sequence[Row]) -> TableCheck:
    """Everything wrong with the table, and everything worth knowing of it. Raises UnknownTable."""
    rules = _rules(rows)
    found = findings(rules) or pair_findings(rules)
    check = TableCheck((), found, len(rows))
    blocking = {finding.rules[0] for finding in found if check.blocks(finding)}
    try:
        with_tables(workflow, {step_id: table_text(rows)})
    except InvalidWorkflow as error:
        flaws = [_flaw(problem) for problem in error.problems]
        kept = tuple(flaw for flaw in flaws if flaw.key or flaw.row not in blocking)
        return TableCheck(kept, found, len(rows))
    return check


def new_overlaps(
    check: TableCheck, rows: Sequence[Row], live: TableCheck, before: Sequence[Row]
) -> tuple[Finding, ...]:
    """The overlaps that the live table does not have."""
    known = {_pair(finding, before) for finding in live.overlaps}
    return tuple(finding for finding in check.overlaps if _pair(finding, rows) not in known)


def _pair(finding: Finding, rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(rows[number - 1].get("when", "") for number in finding.rules)


def add_row(rows: Sequence[Row], row: Row, at: int) -> Rows:
    """The rows with one more, so that it becomes number `at`; `otherwise` stays last."""
    place = _within(at, len(rows))
    return _copied([*rows[: place - 1], row, *rows[place - 1 :]])


def put_row(rows: Sequence[Row], number: int, row: Row, at: int) -> Rows:
    """The rows with another in place of one, moved to number `at`."""
    if number >= len(rows):
        return _copied([*rows[:-1], row])
    return add_row(delete_row(rows, number), row, min(at, len(rows) - 1))


def move_row(rows: Sequence[Row], number: int, by: int) -> Rows:
    """The rows with one of them further up or down; `otherwise` stays last."""
    if not 1 <= number < len(rows):
        return _copied(rows)
    return put_row(rows, number, rows[number - 1], _within(number + by, len(rows) - 1))


def delete_row(rows: Sequence[Row], number: int) -> Rows:
    """The rows without one of them; `otherwise` stays."""
    if not 1 <= number < len(rows):
        return _copied(rows)
    return _copied([*rows[: number - 1], *rows[number:]])


def _within(number: int, last: int) -> int:
    return max(1, min(number, last))


def _copied(rows: Sequence[Row]) -> Rows:
    return tuple(dict(row) for row in rows)


def _rules(rows: Sequence[Row]) -> tuple[Rule, ...]:
    """As the table would decide; empty while a condition cannot be read, for then numbers would shift."""
    try:
        return tuple(_each_rule(rows))
    except InvalidCondition:
        return ()


def _each_rule(rows: Sequence[Row]) -> Iterator[Rule]:
    for row in rows:
        condition = parse_condition(row["when"]) if row.get("when") else None
        yield Rule(condition, row.get("then") or row.get("otherwise") or "", row.get("because", ""))


def _flaw(problem: Problem) -> Flaw:
    place = _PLACE.match(problem.path)
    if place is None:
        return Flaw(0, "", f"{problem.path}: {problem.message}" if problem.path else problem.message)
    return Flaw(int(place[1]) + 1 if place[1] else 0, place[2] or "", problem.message)
