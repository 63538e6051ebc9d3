"""A content with one command carried out in it: rules, model profiles, values, documents. Pure."""

import json
import re
from collections.abc import Collection, Mapping, Sequence

from bot.governance.edit_commands import AddKnowledge, EditRule
from workflows.decision_tables import Row, table_text, with_tables
from workflows.definition import InvalidWorkflow
from workflows.run import Json
from workflows.workflow import Workflow

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_FRONT = re.compile(r"\A---[ \t]*\r?\n.*?^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


class NoSuchAlias(Exception):
    """The profiles have no such alias."""

    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        self.facts = {"alias": alias}


def with_rule(workflow: Workflow, rows: Sequence[Row], command: EditRule) -> str:
    """The table with the rule: a limit it has already is moved, else a row is put before the others.

    The first place from which it takes away no other rule altogether; the very first when there is none.
    """
    new = {"when": command.condition, "then": command.outcome, "because": command.because}
    same = [
        position
        for position, row in enumerate(rows)
        if row.get("then") == command.outcome and _shape(row.get("when", "")) == _shape(command.condition)
    ]
    if same:
        changed = {**rows[same[0]], "when": command.condition}
        if command.because:
            changed["because"] = command.because
        return table_text([changed if position == same[0] else row for position, row in enumerate(rows)])
    last = max(len(rows) - 1, 0)
    tables = [table_text([*rows[:place], new, *rows[place:]]) for place in range(last + 1)]
    return next((each for each in tables if _loads(workflow, command.step, each)), tables[0])


def _shape(condition: str) -> str:
    """A condition without its numbers and spaces: what is left says the same of another limit."""
    return re.sub(r"\s+", "", _NUMBER.sub("#", condition))


def _loads(workflow: Workflow, step: str, table: str) -> bool:
    try:
        with_tables(workflow, {step: table})
    except InvalidWorkflow:
        return False
    return True


def with_value(text: str, name: str, value: Json) -> str:
    """Tuned values with one of them set."""
    try:
        values = json.loads(text) if text.strip() else {}
    except ValueError:
        values = {}
    kept = dict(values) if isinstance(values, Mapping) else {}
    return json.dumps({**kept, name: value}, ensure_ascii=False, sort_keys=True)


def with_model(text: str, alias: str, model: str) -> str:
    """models.yaml with another model under an alias, line for line as it was elsewhere.

    The name of another alias stands for its whole profile. A model of another provider loses the address and
    the key of the old one, which would not fit it. Raises NoSuchAlias.
    """
    lines = text.splitlines()
    begin, end = _block(lines, alias)
    if "/" not in model:
        other_begin, other_end = _block(lines, model)
        return "\n".join([*lines[: begin + 1], *lines[other_begin + 1 : other_end], *lines[end:]]) + "\n"
    before = next((line for line in lines[begin:end] if re.match(r"\s+model:", line)), "")
    keeps_provider = before.partition(":")[2].strip().partition("/")[0] == model.partition("/")[0]
    kept = [
        line
        for line in lines[begin + 1 : end]
        if not re.match(r"\s+model:", line)
        and (keeps_provider or not re.match(r"\s+(?:api_base|api_key_env):", line))
    ]
    return "\n".join([*lines[: begin + 1], f"  model: {model}", *kept, *lines[end:]]) + "\n"


def _block(lines: Sequence[str], alias: str) -> tuple[int, int]:
    """First line of an alias's profile and the line after its last."""
    begin = next(
        (at for at, line in enumerate(lines) if re.match(rf"{re.escape(alias)}:\s*(?:#.*)?$", line)), -1
    )
    if begin < 0:
        raise NoSuchAlias(alias)
    end = begin + 1
    while end < len(lines) and (not lines[end].strip() or lines[end][:1] in (" ", "\t")):
        end += 1
    while end > begin + 1 and not lines[end - 1].strip():
        end -= 1
    return begin, end


def with_front_matter(old: str, new: str) -> str:
    """A new prompt text under the declarations of the old one, where it brings none."""
    front = _FRONT.match(old)
    return new if front is None or _FRONT.match(new) else front[0] + new.strip() + "\n"


def document_path(heading: str, taken: Collection[str]) -> str:
    """Where a document that somebody wrote in chat stands: a name from its heading, never one in use."""
    words = re.findall(r"[a-z0-9]+", heading.casefold())
    stem = "-".join(words)[:60].strip("-") or "note"
    path, number = f"chat/{stem}.md", 2
    while path in taken:
        path, number = f"chat/{stem}-{number}.md", number + 1
    return path


def document_text(command: AddKnowledge) -> str:
    """The text under its heading."""
    text = command.text.strip()
    return f"{text}\n" if text.startswith("# ") else f"# {command.heading}\n\n{text}\n"
