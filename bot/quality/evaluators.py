"""Evaluators: each looks at one answer for one expectation and says how it did, and why. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.quality.evaluation import CaseScore, Standing
from workflows.expectations import Expectation
from workflows.glob import matches
from workflows.run import Answer, Json, RunResult
from workflows.steps.citing import without_marks
from workflows.steps.grounding import ungrounded

Similarity = Callable[[str, str], float]
"""How near two texts are in meaning, from 0 to 1."""

NEEDS_WRITING_MODEL = "Not judged: a rubric needs a writing model, and only the built-in one is connected."


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer as evaluators see it."""

    answer: Answer
    steps: Mapping[str, Mapping[str, Json]]
    """Step kind to the output of the first step of that kind."""
    cited: frozenset[str]
    """Paths of the documents it cites."""
    seconds: float
    cost_usd: Decimal
    is_priced: bool = True
    """False when nobody knows the price of a model that was called."""
    similarity: Similarity = lambda _one, _other: 0.0


def attempt_of(result: RunResult, answer: Answer, **measured: Any) -> Attempt:
    """The answer of a result, with the outputs that expectations name."""
    return Attempt(answer, {step.kind: step.output for step in reversed(result.steps)}, **measured)


def evaluate(expect: Expectation, attempt: Attempt) -> tuple[CaseScore, ...]:
    """A score for each expectation that was set, in the order of the keys; a rubric is the judge's."""
    found = []
    for key, evaluator in EVALUATORS.items():
        if _is_set(expect, key):
            found.append(evaluator(expect, attempt))
    return tuple(found)


def standing_of(scores: tuple[CaseScore, ...]) -> Standing:
    """Failed when one failed; passed when all passed; not judged when one could not be."""
    if any(score.passed is False for score in scores):
        return Standing.FAILED
    return Standing.PASSED if all(score.passed for score in scores) and scores else Standing.UNJUDGED


def _is_set(expect: Expectation, key: str) -> bool:
    name = "output_schema" if key == "schema" else key
    return getattr(expect, name) not in (None, [], {})


def _yes_no(name: str, problem: str, fine: str) -> CaseScore:
    return CaseScore(name, not problem, 0.0 if problem else 1.0, problem or fine)


def _outcome(expect: Expectation, attempt: Attempt) -> CaseScore:
    got = attempt.answer.outcome
    wrong = f"The outcome is {got or 'empty'}, not {expect.outcome}." if got != expect.outcome else ""
    return _yes_no("outcome", wrong, f"The outcome is {got}.")


def _exact(expect: Expectation, attempt: Attempt) -> CaseScore:
    same = _spaced(_words(attempt)) == _spaced(expect.exact or "")
    return _yes_no("exact", "" if same else "The answer is another text.", "The answer is that text.")


def _must_contain(expect: Expectation, attempt: Attempt) -> CaseScore:
    text = _folded(attempt)
    missing = [each for each in expect.must_contain if _spaced(each).casefold() not in text]
    return _share("must_contain", expect.must_contain, missing, "It lacks", "It holds")


def _must_not_contain(expect: Expectation, attempt: Attempt) -> CaseScore:
    text = _folded(attempt)
    there = [each for each in expect.must_not_contain if _spaced(each).casefold() in text]
    return _share("must_not_contain", expect.must_not_contain, there, "It holds", "It does not hold")


def _must_cite(expect: Expectation, attempt: Attempt) -> CaseScore:
    missing = [path for path in expect.must_cite if path not in attempt.cited]
    return _share("must_cite", expect.must_cite, missing, "It does not cite", "It cites")


def _share(name: str, wanted: list[str], wrong: list[str], bad: str, good: str) -> CaseScore:
    listed = ", ".join(f"“{_short(each)}”" for each in (wrong or wanted)[:5])
    value = 1 - len(wrong) / len(wanted)
    return CaseScore(name, not wrong, value, f"{bad if wrong else good} {listed}.")


def _pattern(expect: Expectation, attempt: Attempt) -> CaseScore:
    pattern = expect.pattern or ""
    fits = matches(_spaced(pattern), _spaced(_words(attempt)))
    shown = _short(pattern)
    return _yes_no("pattern", "" if fits else f"It does not fit “{shown}”.", f"It fits “{shown}”.")


def _schema(expect: Expectation, attempt: Attempt) -> CaseScore:
    if expect.output_schema is None:
        raise ValueError("no schema")
    value, is_there = _structured(attempt)
    if not is_there:
        return _yes_no("schema", "There are no fields and no JSON to hold against the schema.", "")
    problem = expect.output_schema.problem(value)
    return _yes_no("schema", f"The schema is not kept: {problem}." if problem else "", "The schema is kept.")


def _structured(attempt: Attempt) -> tuple[Json, bool]:
    """Fields picked out, else JSON written by a prompt step, else the answer itself when it is JSON."""
    fields = attempt.steps.get("extract", {}).get("fields")
    if fields is not None:
        return fields, True
    data = attempt.steps.get("prompt", {}).get("data")
    if data is not None:
        return data, True
    try:
        return json.loads(_words(attempt)), True
    except (ValueError, RecursionError):
        return None, False


def _grounded(expect: Expectation, attempt: Attempt) -> CaseScore:
    answer = attempt.answer
    if answer.abstained:
        lack = ""
    elif not answer.citations:
        lack = "it cites nothing that could carry it"
    else:
        found = ungrounded(answer.text, [citation.passage.text for citation in answer.citations])
        lack = found[1] if found else ""
    said = f"It is not grounded: {lack}." if lack else "The passages cited carry every sentence."
    return CaseScore("grounded", bool(lack) is not expect.grounded, 0.0 if lack else 1.0, said)


def _must_abstain(expect: Expectation, attempt: Attempt) -> CaseScore:
    abstains = attempt.answer.abstained
    said = "It says that it is not covered." if abstains else "It answers."
    passed = abstains is expect.must_abstain
    return CaseScore("must_abstain", passed, float(passed), said)


def _similar_to(expect: Expectation, attempt: Attempt) -> CaseScore:
    if expect.similar_to is None:
        raise ValueError("nothing to be similar to")
    return likeness_score(
        "similar_to", expect.similar_to.text, expect.similar_to.at_least, attempt.similarity, _words(attempt)
    )


def likeness_score(name: str, text: str, at_least: float, similarity: Similarity, answer: str) -> CaseScore:
    """How near an answer comes to a text that somebody wrote."""
    value = max(0.0, min(1.0, similarity(text, answer)))
    passed = value >= at_least
    said = f"It is {value:.2f} alike{'' if passed else f', less than {at_least:.2f}'}."
    return CaseScore(name, passed, value, said)


def _max_seconds(expect: Expectation, attempt: Attempt) -> CaseScore:
    limit, took = expect.max_seconds or 0.0, attempt.seconds
    late = f"It took {took:.1f} s, more than {limit:g}." if took > limit else ""
    return _yes_no("max_seconds", late, f"It took {took:.1f} s.")


def _max_cost(expect: Expectation, attempt: Attempt) -> CaseScore:
    limit, cost = expect.max_cost or Decimal(0), attempt.cost_usd
    if not attempt.is_priced:
        return CaseScore("max_cost", None, None, "Not judged: the price of its model is not known.")
    dear = f"It cost {cost:f} dollars, more than {limit:f}." if cost > limit else ""
    return _yes_no("max_cost", dear, f"It cost {cost:f} dollars.")


def _label(expect: Expectation, attempt: Attempt) -> CaseScore:
    got = attempt.steps.get("classify", {}).get("label")
    wrong = f"The label is {got or 'empty'}, not {expect.label}." if got != expect.label else ""
    return _yes_no("label", wrong, f"The label is {got}.")


def _fields(expect: Expectation, attempt: Attempt) -> CaseScore:
    picked = attempt.steps.get("extract", {}).get("fields")
    got = picked if isinstance(picked, dict) else {}
    wrong = [name for name, value in expect.fields.items() if not _same(got.get(name), value)]
    said = "; ".join(
        f"{name} is {_plain(got.get(name))}, not {_plain(expect.fields[name])}" for name in wrong[:5]
    )
    value = 1 - len(wrong) / len(expect.fields)
    return CaseScore(
        "fields", not wrong, value, f"Of the fields, {said}." if wrong else "The fields are right."
    )


def _same(got: Json, wanted: Json) -> bool:
    """Equal, and true is not 1."""
    return got == wanted and isinstance(got, bool) is isinstance(wanted, bool)


def _plain(value: Json) -> str:
    return "empty" if value is None else f"“{_short(str(value))}”"


def _words(attempt: Attempt) -> str:
    return without_marks(attempt.answer.text)


def _folded(attempt: Attempt) -> str:
    return _spaced(_words(attempt)).casefold()


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


Evaluator = Callable[[Expectation, Attempt], CaseScore]

EVALUATORS: Mapping[str, Evaluator] = {
    "outcome": _outcome,
    "exact": _exact,
    "must_contain": _must_contain,
    "must_not_contain": _must_not_contain,
    "pattern": _pattern,
    "schema": _schema,
    "must_cite": _must_cite,
    "grounded": _grounded,
    "must_abstain": _must_abstain,
    "similar_to": _similar_to,
    "max_seconds": _max_seconds,
    "max_cost": _max_cost,
    "label": _label,
    "fields": _fields,
}
"""Key of `expect` to its evaluator; `rubric` is the judge's."""
