"""What the tests of shipped workflows share: the files, their cases, and what a result lacks of a case."""

from collections.abc import Mapping
from pathlib import Path

from bot.quality.evaluators import Similarity, attempt_of, evaluate
from workflows.cases import Case, load_cases
from workflows.definition import Workflow, load_workflow
from workflows.run import RunResult
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


def shortfalls(case: Case, result: RunResult, path_of: Mapping[str, str], near: Similarity) -> list[str]:
    """What the result lacks of what the case expects; nothing when it passes."""
    if result.answer is None:
        return [f"{result.status.value}: {result.failure}"]
    cited = frozenset(path_of[citation.passage.document_id] for citation in result.answer.citations)
    attempt = attempt_of(
        result, result.answer, cited=cited, seconds=0.0, cost_usd=result.usage.cost_usd, similarity=near
    )
    return [score.reason for score in evaluate(case.expect, attempt) if not score.passed]
