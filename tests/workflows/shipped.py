"""What the tests of shipped workflows share: the files, their cases, and what a case expects of a result."""

from collections.abc import Mapping
from pathlib import Path

from workflows.cases import Case, load_cases
from workflows.definition import Workflow, load_workflow
from workflows.run import Answer, Json, RunResult
from workflows.template import PromptTemplate, parse_prompt

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"
HANDBOOK = Path(__file__).parents[2] / "knowledge" / "library" / "people"
NAMES = sorted(path.name.removesuffix(".cases.yaml") for path in LIBRARY.glob("*.cases.yaml"))


def load(name: str) -> Workflow:
    return load_workflow((LIBRARY / f"{name}.yaml").read_text(encoding="utf-8"), source=f"{name}.yaml")


def cases(name: str) -> tuple[Case, ...]:
    return load_cases((LIBRARY / f"{name}.cases.yaml").read_text(encoding="utf-8"))


def prompts() -> dict[str, PromptTemplate]:
    return {
        path.stem: parse_prompt(path.stem, path.read_text(encoding="utf-8"))
        for path in sorted((LIBRARY / "prompts").glob("*.md"))
    }


def shortfalls(case: Case, result: RunResult, path_of: Mapping[str, str]) -> list[str]:
    """What the result lacks of what the case expects; nothing when it passes."""
    if result.answer is None:
        return [f"{result.status.value}: {result.failure}"]
    return [*_in_answer(case, result.answer, path_of), *_in_steps(case, result)]


def _in_answer(case: Case, answer: Answer, path_of: Mapping[str, str]) -> list[str]:
    expect = case.expect
    cited = {path_of[citation.passage.document_id] for citation in answer.citations}
    text = answer.text.casefold()
    found = [f"does not cite {path}" for path in expect.must_cite if path not in cited]
    found += [f"lacks {wanted!r}" for wanted in expect.must_contain if wanted.casefold() not in text]
    if expect.outcome not in (None, answer.outcome):
        found.append(f"outcome {answer.outcome}, not {expect.outcome}")
    if expect.must_abstain not in (None, answer.abstained):
        found.append("abstains" if answer.abstained else "answers")
    return found


def _in_steps(case: Case, result: RunResult) -> list[str]:
    expect = case.expect
    output = {step.kind: step.output for step in reversed(result.steps)}
    label = output.get("classify", {}).get("label")
    picked: Json = output.get("extract", {}).get("fields")
    fields = picked if isinstance(picked, dict) else {}
    found = [f"label {label}, not {expect.label}"] if expect.label not in (None, label) else []
    wanted = expect.fields.items()
    return found + [
        f"{name} is {fields.get(name)!r}, not {v!r}" for name, v in wanted if fields.get(name) != v
    ]
