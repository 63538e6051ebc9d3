"""What versions are kept of."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.adapters.store.versions_log import StoredVersion

WORKFLOW, PROMPT, PARAMETERS, RULES, MODELS = "workflow", "prompt", "parameters", "rules", "models"
"""Kinds of content that versions are kept of."""

PINNED_KINDS = (WORKFLOW, PROMPT, PARAMETERS, RULES, MODELS)

Versions = Mapping[tuple[str, str], StoredVersion]
"""Kind and name to the version in question."""


class UnknownWorkflow(Exception):
    """No released workflow has that name; fact `nearest` is the closest name, or empty."""

    def __init__(self, name: str, nearest: str = "") -> None:
        super().__init__(name)
        self.facts = {"name": name, "nearest": nearest}


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The known name that is most like it, or nothing."""
    return next(iter(difflib.get_close_matches(name, list(known), 1, 0.5)), "")


@dataclass(frozen=True, slots=True)
class Content:
    """Something that versions are kept of: what kind, its name and its text."""

    kind: str
    name: str
    text: str
