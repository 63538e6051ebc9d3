"""Decision tables apart from their workflow: as text that people edit, and put back into it."""

import json
from collections.abc import Mapping, Sequence

from workflows.definition import InvalidWorkflow, load_workflow
from workflows.reader import InvalidYaml, Problem, read_yaml
from workflows.run import Json
from workflows.steps.decide import DecideStep
from workflows.workflow import Workflow

Row = Mapping[str, str]
"""`when`, `then`, `because`; the last `otherwise`, `because`."""

_KEYS = ("when", "then", "otherwise", "because")


class UnknownTable(Exception):
    """The workflow has no decision table of that name; fact `known` lists those it has."""

    def __init__(self, workflow: str, step: str, known: Sequence[str]) -> None:
        super().__init__(step)
        self.facts = {"workflow": workflow, "step": step, "known": ", ".join(known)}


def table_steps(workflow: Workflow) -> tuple[str, ...]:
    """The steps that decide by a table, in the order of the file."""
    return tuple(step.id for step in workflow.steps if isinstance(step, DecideStep))


def rows_of(workflow: Workflow, step_id: str) -> tuple[dict[str, str], ...]:
    """The rows of one decision table. Raises UnknownTable."""
    step = next((each for each in workflow.steps if each.id == step_id), None)
    if not isinstance(step, DecideStep):
        raise UnknownTable(workflow.name, step_id, table_steps(workflow))
    rows = []
    for row in step.rules:
        values = {key: str(getattr(row, key) or "") for key in _KEYS}
        rows.append({key: value for key, value in values.items() if value})
    return tuple(rows)


def table_text(rows: Sequence[Row]) -> str:
    """The rows as YAML, always laid out alike so that differences are differences of meaning."""
    lines = []
    for row in rows:
        given = [(key, row[key]) for key in _KEYS if row.get(key)]
        for position, (key, value) in enumerate(given):
            lines.append(f"{'  ' if position else '- '}{key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def read_table(text: str, *, source: str = "rules") -> tuple[dict[str, str], ...]:
    """The rows of a table's text. Raises InvalidWorkflow when it is not a list of rows."""
    try:
        value = read_yaml(text).value
    except InvalidYaml as error:
        raise InvalidWorkflow(error.problems, source) from None
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise InvalidWorkflow((Problem(1, 1, "", "must be a list of rules"),), source)
    return tuple({str(key): str(each) for key, each in row.items()} for row in value if isinstance(row, dict))


def with_tables(workflow: Workflow, tables: Mapping[str, str]) -> Workflow:
    """The workflow with the text of some decision tables in place of its own.

    Raises UnknownTable, and InvalidWorkflow with every problem of the rules.
    """
    known = table_steps(workflow)
    for step_id in tables:
        if step_id not in known:
            raise UnknownTable(workflow.name, step_id, known)
    content = dict(workflow.content) if isinstance(workflow.content, dict) else {}
    for step in _list(content["steps"]):
        if isinstance(step, dict) and str(step["id"]) in tables:
            changed = {**step, "rules": _values(tables[str(step["id"])], str(step["id"]))}
            content["steps"] = [changed if each is step else each for each in _list(content["steps"])]
    # JSON is YAML, so the one reader checks this workflow as strictly as any other
    whole = json.dumps(content, ensure_ascii=False, indent=1)
    return load_workflow(whole, source=f"{workflow.name}.yaml")


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _values(text: str, source: str) -> list[Json]:
    return [dict(row) for row in read_table(text, source=source)]
