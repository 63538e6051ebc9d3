"""A workflow on one page, for people who do not read YAML."""

from collections.abc import Iterator, Sequence

from workflows.cases import Case
from workflows.diagram import mermaid
from workflows.inputs import Setting
from workflows.plain_limits import limits, signs
from workflows.rule_checks import findings
from workflows.run import Json
from workflows.steps import KINDS
from workflows.steps.base import StepDefinition
from workflows.steps.decide import DecideStep
from workflows.workflow import Workflow

MAX_CASES = 12


def explain_workflow(workflow: Workflow, cases: Sequence[Case] = ()) -> str:
    """The page, in Markdown: purpose, inputs, steps in words, decision tables, diagram, cases."""
    lines = [f"# {workflow.title}", "", f"`/{workflow.name}`: {workflow.purpose}", "", _visibility(workflow)]
    if workflow.examples:
        lines += ["", "For example:", "", *(f"- {example}" for example in workflow.examples)]
    lines += _inputs(workflow)
    lines += _parameters(workflow)
    lines += ["", "## Steps", ""]
    for position, step in enumerate(workflow.order, 1):
        lines += _step(workflow, position, step)
    for step in workflow.order:
        if isinstance(step, DecideStep):
            lines += _table(step)
    lines += ["", "## Answers", "", *_answers(workflow)]
    lines += ["", "## Diagram", "", "```mermaid", mermaid(workflow).rstrip(), "```"]
    lines += _listed("Known limits", limits(workflow, defaults(workflow)))
    lines += _listed("How you would notice that it stopped working", signs(workflow))
    lines += _cases(cases)
    return "\n".join(lines).rstrip() + "\n"


def defaults(workflow: Workflow) -> dict[str, Json]:
    """Every parameter at its default."""
    return {name: each.default for name, each in workflow.parameters.items()}


def _listed(heading: str, sentences: Sequence[str]) -> list[str]:
    return ["", f"## {heading}", "", *(f"- {sentence}" for sentence in sentences)]


def _visibility(workflow: Workflow) -> str:
    if workflow.visibility == "private":
        return "The answer goes to the person who asked, and to nobody else unless they share it."
    return "The answer is posted where the question was asked."


def _inputs(workflow: Workflow) -> Iterator[str]:
    yield from ("", "## What it is given", "")
    if not workflow.inputs:
        yield "Nothing."
        return
    yield from ("| Input | Kind | Needed | What it is |", "|---|---|---|---|")
    for name, each in workflow.inputs.items():
        needed = "yes" if each.required and each.default is None else "no"
        about = ". ".join(part.rstrip(".") for part in (each.label, each.help, _source(each.source)) if part)
        yield f"| `{name}` | {_kind(each, each.kind)} | {needed} | {_cell(about)} |"


def _source(source: str) -> str:
    if source == "earlier":
        return "Filled with what was asked before in the conversation"
    return f"Filled from the {source} it is run on" if source else ""


def _parameters(workflow: Workflow) -> Iterator[str]:
    if workflow.parameters:
        yield from (
            "",
            "## What may be tuned",
            "",
            "| Parameter | Kind | Default | What it does |",
            "|---|---|---|---|",
        )
    for name, each in workflow.parameters.items():
        yield f"| `{name}` | {_kind(each, each.kind)} | {_cell(str(each.default))} | {_cell(each.help)} |"


def _kind(setting: Setting, kind: str) -> str:
    if setting.choices:
        return _cell(" or ".join(setting.choices))
    bounds = [f"from {setting.min}"] if setting.min is not None else []
    bounds += [f"to {setting.max}"] if setting.max is not None else []
    return " ".join([kind, *bounds])


def _step(workflow: Workflow, position: int, step: StepDefinition) -> Iterator[str]:
    words = KINDS[step.kind].words(step)
    yield f"{position}. **{step.title or step.id}** (`{step.id}`, {step.kind}). {words}"
    if step.when is not None:
        yield f"   Only when `{step.when}`."
    uses = sorted(workflow.edges[step.id].uses)
    if uses and step.kind != "collect":
        whose = "all of them were" if step.join == "any" else "any of them was"
        named = ", ".join(f"`{name}`" for name in uses)
        yield f"   Uses {named}; skipped when {whose if len(uses) > 1 else 'that was'} skipped."
    if step.retry:
        yield f"   Tried again {'once' if step.retry == 1 else f'up to {step.retry} times'} when it fails."


def _table(step: DecideStep) -> Iterator[str]:
    yield from ("", f"## Decision table: {step.title or step.id}", "")
    yield from (
        "The first row that holds decides.",
        "",
        "| | When | Outcome | Because |",
        "|---|---|---|---|",
    )
    for number, rule in enumerate(step.table, 1):
        when = f"`{_cell(rule.when.source)}`" if rule.when else "otherwise"
        yield f"| {number} | {when} | `{rule.then}` | {_cell(rule.because)} |"
    notes = [
        note
        for finding in findings(step.table)
        if (note := _note(finding.kind, finding.rules, finding.example))
    ]
    if notes:
        yield from ("", *notes)


def _note(kind: str, rules: tuple[int, ...], example: str) -> str:
    """What a reader should know of a table that is right as it is."""
    if kind == "overlap":
        return (
            f"- Rows {rules[1]} and {rules[0]} can both hold ({_cell(example)}); row {rules[1]} then decides."
        )
    if kind == "gap":
        return f"- The last row decides, for example, when {_cell(example)}."
    return (
        "- The rows before it cover every case; the last row never decides." if kind == "unreachable" else ""
    )


def _answers(workflow: Workflow) -> Iterator[str]:
    for entry, template in workflow.answer.items():
        text = " ".join(template.source.split())
        yield f"- `{entry}`: {text}" if entry else f"- {text}"


def _cases(cases: Sequence[Case]) -> Iterator[str]:
    if not cases:
        return
    yield from ("", "## Golden cases", "", f"It is held to {len(cases)} cases. Some of them:", "")
    yield from ("| Case | Given | Expected |", "|---|---|---|")
    for case in cases[:MAX_CASES]:
        given = "; ".join(case.inputs.values())
        short = given if len(given) <= 160 else f"{given[:159]}…"
        yield f"| {case.id} | {_cell(short)} | {_cell('; '.join(_expected(case)))} |"


def _expected(case: Case) -> Iterator[str]:
    expect = case.expect
    if expect.outcome:
        yield f"`{expect.outcome}`"
    if expect.label:
        yield f"label `{expect.label}`"
    yield from (f"{name} = {value}" for name, value in expect.fields.items())
    yield from (f"cites {path}" for path in expect.must_cite)
    yield from (f'says "{text}"' for text in expect.must_contain)
    if expect.must_abstain:
        yield "says that it does not know"


def _cell(text: str) -> str:
    """Text that does not end a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
