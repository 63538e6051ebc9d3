"""Questions that were asked before, tried again: has the answer changed, and is it what people asked for?"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from bot.adapters.store.row_codec import answer_from
from bot.adapters.store.run_log import read_runs, runs_answered
from bot.adapters.store.scores import scores_of, voted_down
from bot.quality.complaint import says_the_same
from bot.quality.evaluation import ANSWER, CaseScore, Standing, Trial
from bot.quality.evaluators import Similarity, likeness_score
from bot.services.execution import audience_of
from bot.services.readers import Audience
from bot.services.trials import CAPPED, Heard, Side, Trials, Tried, trial_of, unanswered, unheard
from workflows.expectations import SIMILAR
from workflows.ports import Retriever
from workflows.run import Answer

VOTE, CORRECTION = "vote", "correction"
LOOKED_AT = 500
"""Recent runs among which those are looked for whose answers cited a document."""
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class VotedDown:
    """A run that is tried again; of one voted down, with what people said it should have answered."""

    run_id: str
    inputs: Mapping[str, str]
    audience: Audience
    """Those who could read the answer: it may be made from nothing else now."""
    answer: str
    correction: str = ""


def read_voted_down(connection: Connection, workflow: str, limit: int) -> tuple[VotedDown, ...]:
    """The newest runs of a workflow that a vote stands against, at most `limit`."""
    # several people may have voted on one run
    votes = voted_down(connection, VOTE, (workflow,), EVER, limit=limit * 5)
    ids = list(dict.fromkeys(run_id for run_id, _ in votes))[:limit]
    rows = read_runs(connection, ids)
    corrections = {score.run_id: score.reason for score in scores_of(connection, ids, (CORRECTION,))}
    found = []
    for run_id in ids:
        row = rows[run_id]
        answer = answer_from(row.answer)
        if answer is not None:
            text = corrections.get(run_id, "")
            found.append(VotedDown(run_id, row.inputs, audience_of(row), answer.text, text))
    return tuple(found)


def read_citing(connection: Connection, workflow: str, document_id: str, limit: int) -> tuple[VotedDown, ...]:
    """The newest runs of a workflow whose answers cited a document, each question once, at most `limit`."""
    found: dict[str, VotedDown] = {}
    for row in runs_answered(connection, workflow, LOOKED_AT):
        answer = answer_from(row.answer)
        cited = {each.passage.document_id for each in answer.citations} if answer else set()
        if answer is not None and document_id in cited:
            asked = json.dumps(row.inputs, sort_keys=True).casefold()
            found.setdefault(asked, VotedDown(row.id, row.inputs, audience_of(row), answer.text))
        if len(found) == limit:
            break
    return tuple(found.values())


async def try_again(
    trials: Trials, side: Side, retriever: Retriever, run: VotedDown, heard: Heard = unheard
) -> Trial:
    """The question of one run on one side, for the eyes of those who could read its answer."""
    if trials.account.purse.is_closed:
        return Trial(Standing.NOT_RUN, note=CAPPED)
    tried = await trials.run(side, run.inputs, retriever)
    if tried.answer is None:
        return unanswered(tried)
    heard(tried.answer)
    scores = await asyncio.to_thread(scores_for, run, tried, tried.answer, trials.similarity)
    standing = next((_standing(score) for score in scores if score.name == CORRECTION), Standing.UNJUDGED)
    # it is somebody's own question: the report keeps neither it nor what was answered
    return replace(trial_of(tried, tried.answer, scores), standing=standing, answer="")


def scores_for(run: VotedDown, tried: Tried, answer: Answer, similarity: Similarity) -> tuple[CaseScore, ...]:
    """What can be said of the answer beside the one that was voted down."""
    same = says_the_same(answer.text, run.answer)
    changed = "The answer is the one that was voted down." if same else "The answer has changed."
    abstains = "It says that it is not covered." if answer.abstained else "It answers."
    found = [
        CaseScore("changed", None, 0.0 if same else 1.0, changed),
        CaseScore("abstains", None, float(answer.abstained), abstains),
        *_checks(tried),
    ]
    if run.correction:
        found.append(likeness_score(CORRECTION, run.correction, SIMILAR, similarity, answer.text))
    return tuple(found)


def beside(old: Answer, new: Answer | None) -> CaseScore:
    """Whether what would be answered, None for nothing, is another answer than today's."""
    if new is None:
        return CaseScore(ANSWER, None, 1.0, "It is answered today, and would end without an answer.")
    same = says_the_same(old.text, new.text)
    if new.abstained and not old.abstained:
        said = "It is answered today, and would not be covered any more."
    elif old.abstained and not new.abstained:
        said = "It is not covered today, and would be answered."
    else:
        said = "The answer stays the same." if same else "The answer would be another one."
    return CaseScore(ANSWER, None, 0.0 if same else 1.0, said)


def _checks(tried: Tried) -> list[CaseScore]:
    checks = [step.output for step in tried.result.steps if step.kind == "check" and "passed" in step.output]
    if not checks:
        return []
    passed = sum(bool(output["passed"]) for output in checks)
    said = f"{passed} of {len(checks)} check{'' if len(checks) == 1 else 's'} of the workflow passed."
    return [CaseScore("checks", None, passed / len(checks), said)]


def _standing(score: CaseScore) -> Standing:
    return Standing.PASSED if score.passed else Standing.FAILED
