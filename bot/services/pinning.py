"""The versions one run uses, put together from what labels point at and what is being tried out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from bot.services.contents import (
    MODELS,
    PARAMETERS,
    PINNED_KINDS,
    PROMPT,
    RULES,
    WORKFLOW,
    UnknownWorkflow,
    Versions,
)
from workflows.decision_tables import with_tables
from workflows.definition import Workflow, load_workflow
from workflows.run import Json
from workflows.steps.retrieve import RetrieveStep
from workflows.template import PromptTemplate, parse_prompt


@dataclass(frozen=True, slots=True)
class Pinned:
    """Every version that one run uses. Serves the engine as its Library."""

    root: Workflow
    pins: Mapping[str, Mapping[str, int]]
    """Kind to name to version number; 0 for a content that is only proposed."""
    models_text: str
    """The models.yaml it runs with; empty for the one of the settings."""
    _workflows: Mapping[str, Workflow] = field(repr=False)
    _prompts: Mapping[str, PromptTemplate] = field(repr=False)
    _values: Mapping[str, Mapping[str, Json]] = field(repr=False)

    def workflow(self, name: str) -> Workflow:
        """A workflow called by the pinned one. Raises UnknownWorkflow."""
        if name not in self._workflows:
            raise UnknownWorkflow(name)
        return self._workflows[name]

    def prompt(self, name: str) -> PromptTemplate:
        """A prompt template. Raises KeyError, which loading rules out."""
        return self._prompts[name]

    def parameters(self, name: str) -> Mapping[str, Json]:
        """Values of a workflow's parameters: what was tuned over the defaults."""
        defaults = {key: item.default for key, item in self.workflow(name).parameters.items()}
        return {**defaults, **self._values.get(name, {})}

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of a kind that this run uses."""
        return tuple(self.pins.get(kind, {}))

    def collections(self) -> tuple[str, ...]:
        """What it and the workflows it calls search, each once, in the order of their steps."""
        steps = (step for name in self.names(WORKFLOW) for step in self.workflow(name).steps)
        return tuple(dict.fromkeys(step.collection for step in steps if isinstance(step, RetrieveStep)))


@lru_cache(maxsize=256)
def workflow_of(text: str, name: str) -> Workflow:
    """The workflow a text says, without rules that were set apart from it."""
    return load_workflow(text, source=f"{name}.yaml")


@lru_cache(maxsize=256)
def _with_rules(text: str, name: str, tables: tuple[tuple[str, str], ...]) -> Workflow:
    return with_tables(workflow_of(text, name), dict(tables))


@lru_cache(maxsize=256)
def _prompt_of(text: str, name: str) -> PromptTemplate:
    return parse_prompt(name, text)


def pin(name: str, versions: Versions) -> Pinned:
    """Everything that a workflow reaches, at these versions.

    Raises InvalidWorkflow, InvalidPrompt, UnknownTable: what is live was checked, what is proposed was not.
    """
    pins: dict[str, dict[str, int]] = {kind: {} for kind in PINNED_KINDS}
    workflows: dict[str, Workflow] = {}
    prompts: dict[str, PromptTemplate] = {}
    values: dict[str, Mapping[str, Json]] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in workflows or (WORKFLOW, current) not in versions:
            continue
        workflows[current] = effective_workflow(current, versions, pins[RULES])
        pins[WORKFLOW][current] = versions[WORKFLOW, current].number
        tuned = versions.get((PARAMETERS, current))
        if tuned is not None:
            values[current] = json.loads(tuned.content)
            pins[PARAMETERS][current] = tuned.number
        for prompt in workflows[current].prompt_names():
            if (PROMPT, prompt) in versions:
                prompts[prompt] = _prompt_of(versions[PROMPT, prompt].content, prompt)
                pins[PROMPT][prompt] = versions[PROMPT, prompt].number
        waiting.extend(workflows[current].called_names())
    models = versions.get((MODELS, MODELS))
    if models is not None:
        pins[MODELS][MODELS] = models.number
    text = models.content if models is not None else ""
    return Pinned(workflows[name], pins, text, workflows, prompts, values)


def effective_workflow(name: str, versions: Versions, pins: dict[str, int] | None = None) -> Workflow:
    """One workflow with the rules that were set apart from its file; notes their versions in `pins`."""
    text = versions[WORKFLOW, name].content
    tables = []
    for (kind, target), version in sorted(versions.items()):
        owner, _, step = target.partition("/")
        if kind == RULES and owner == name:
            tables.append((step, version.content))
            if pins is not None:
                pins[target] = version.number
    return _with_rules(text, name, tuple(tables)) if tables else workflow_of(text, name)
