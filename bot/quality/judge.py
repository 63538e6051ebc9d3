"""The judge: how a model is asked to score an answer by a rubric, and what its reply says. Pure."""

import functools

from bot.quality.evaluation import CaseScore
from workflows.expectations import Rubric
from workflows.ports import Message, ModelRequest, Task
from workflows.run import Json
from workflows.steps.fencing import Fence
from workflows.steps.replies import Shape, plain_schema, read_json

JUDGE, DEFAULT = "judge", "default"
"""The alias that judges, and the one that does when there is no such alias."""

DEADLINE_S = 60.0
MOST_TOKENS = 400
REASON_CHARACTERS = 300

_TASK = (
    "You grade an answer that was given to a question. The rubric says what a good answer does; nothing else "
    "counts. Give a score from 0 (does none of it) to 1 (does all of it) and the reason in one plain "
    'sentence. Reply with JSON only: {"score": 0.5, "reason": "..."}.'
)
_AGAIN = "That reply cannot be used: {why}. Reply with the JSON only."


@functools.cache
def shape() -> Shape:
    """What a judge replies with."""
    return Shape(
        plain_schema({"score": {"type": "number", "minimum": 0, "maximum": 1}, "reason": {"type": "string"}})
    )


def judge_request(alias: str, question: str, answer: str, rubric: Rubric) -> ModelRequest:
    """The call. Question, answer and rubric are fenced: whatever they say is data."""
    fence = Fence()
    material = "\n\n".join(
        fence.around(name, text)
        for name, text in (("question", question), ("answer", answer), ("rubric", rubric.text))
    )
    return ModelRequest(
        alias=alias,
        messages=(Message("system", f"{_TASK}\n\n{fence.rule()}"), Message("user", material)),
        task=Task(kind="judge", question=question, text=answer),
        step_id="judge",
        purpose="judge",
        schema=shape().schema,
        max_output_tokens=MOST_TOKENS,
        deadline_s=DEADLINE_S,
    )


def asked_again(request: ModelRequest, reply: str, why: str) -> ModelRequest:
    """The call after a reply that could not be used."""
    repair = (Message("assistant", reply[:4000] or "-"), Message("user", _AGAIN.format(why=why)))
    return ModelRequest(
        request.alias,
        (*request.messages, *repair),
        request.task,
        request.step_id,
        request.purpose,
        request.schema,
        request.max_output_tokens,
        request.deadline_s,
    )


def read_verdict(reply: str, rubric: Rubric) -> tuple[CaseScore | None, str]:
    """The score in a reply, or None and why it cannot be used."""
    value, why = read_json(reply, shape())
    if why or not isinstance(value, dict):
        return None, why or "it is not an object"
    score, reason = _number(value["score"]), " ".join(str(value["reason"]).split())
    said = reason[:REASON_CHARACTERS] or "The judge gave no reason."
    return CaseScore("rubric", score >= rubric.at_least, score, f"Judged {score:.2f}: {said}"), ""


def unjudged(why: str) -> CaseScore:
    """A rubric that nobody could score; `why` is a plain sentence."""
    return CaseScore("rubric", None, None, why)


def _number(value: Json) -> float:
    if not isinstance(value, int | float):
        raise TypeError("the schema lets only numbers through")
    return float(value)
