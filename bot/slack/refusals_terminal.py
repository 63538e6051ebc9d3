"""Sentences of errors as the terminal says them, which has no forms and commands of its own."""

from collections.abc import Callable, Mapping

from bot.slack import refusals, refusals_front
from bot.slack.elements import escape

Facts = Mapping[str, str]


def wrong_inputs(facts: Facts) -> str:
    """What was typed does not fit the workflow."""
    lines = "\n".join(f"  {escape(line)}" for line in facts.get("problems", "").split("\n"))
    opening = f"{escape(facts.get('workflow', ''))} cannot be run with these inputs:"
    return f"{opening}\n{lines}\nUsage: {escape(facts.get('usage', ''))}"


def invalid_inputs(facts: Facts) -> str:
    """As `wrong_inputs`, of inputs that stand in a file or were handed on."""
    return f"Some inputs are missing or not as expected: {escape(facts.get('problems', ''))}."


def unknown_workflow(facts: Facts) -> str:
    """No such workflow."""
    return refusals_front.unknown_workflow(facts, "python -m bot workflow list")


def unknown_run(facts: Facts) -> str:
    """No such run."""
    return (
        f"There is no run “{escape(facts.get('run', ''))}”. `python -m bot runs` lists them with their ids."
    )


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "InvalidInputs": invalid_inputs,
    "UnknownRun": unknown_run,
    "UnknownWorkflow": unknown_workflow,
    "WrongInputs": wrong_inputs,
}
"""Error class to its sentence."""


def sentence(kind: str, facts: Facts) -> str:
    """As for Slack, where the terminal says nothing else."""
    known = SENTENCES.get(kind)
    return known(facts) if known else refusals.sentence(kind, facts)


def is_known(kind: str) -> bool:
    """Whether whoever reads it gets more than an incident token."""
    return kind in SENTENCES or refusals.is_known(kind)
