"""Whose documents an answer stands on."""

from collections.abc import Iterator

from bot.services.complaints import is_person
from workflows.run import Answer


def near_owners(answer: Answer) -> Iterator[str]:
    """People who answer for the documents nearest a question, the nearest first."""
    return (each.passage.owner for each in answer.citations if is_person(each.passage.owner))
