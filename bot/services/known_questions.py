"""Fitting the support of one collection to questions of which somebody knows whether it answers them."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from bot.services.holdings import Holdings
from bot.services.intake import OnProgress
from knowledge.calibrating import Trial, try_out


class InvalidQuestions(Exception):
    """A file of questions cannot be read. Fact `problems` has a line for each that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.facts = {"problems": str(self)}


def _asked(question: str) -> str:
    if not any(character.isalnum() for character in question):
        raise ValueError("asks nothing")
    return question


class LabelledQuestion(BaseModel):
    """A question, and whether the collection answers it. Further keys are left alone."""

    model_config = ConfigDict(strict=True, frozen=True)

    question: Annotated[str, AfterValidator(_asked)]
    answerable: bool


def read_questions(text: bytes) -> tuple[LabelledQuestion, ...]:
    """One JSON object a line. Raises InvalidQuestions with every problem, each with its line."""
    found: list[LabelledQuestion] = []
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(LabelledQuestion.model_validate_json(line))
            except ValidationError as error:
                problems += [f"line {number}: {_words(each['loc'], each['msg'])}" for each in error.errors()]
    if problems:
        raise InvalidQuestions(problems)
    return tuple(found)


def _words(place: tuple[int | str, ...], message: str) -> str:
    return ": ".join([*map(str, place), message.removeprefix("Value error, ")])


async def calibrate(
    holdings: Holdings,
    collection: str,
    questions: Sequence[LabelledQuestion],
    *,
    by: str,
    keep: bool = True,
    on_progress: OnProgress | None = None,
) -> Trial:
    """Fit, and keep the fit where it helps with questions that it has not seen.

    Raises UnknownCollection, MixedModels, TooFewQuestions.
    """
    evidence = await holdings.weigh(collection, [each.question for each in questions], on_progress)
    trial = try_out(evidence, [each.answerable for each in questions])
    if keep and trial.helps:
        facts = {"questions": len(questions)}
        await holdings.set_calibration(collection, trial.calibration, facts=facts, by=by)
    return trial
