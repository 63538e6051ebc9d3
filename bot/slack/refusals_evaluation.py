"""The sentences of errors around evaluations, golden cases and replays."""

from collections.abc import Callable, Mapping

from bot.slack.elements import escape

Facts = Mapping[str, str]


def unknown_evaluation(facts: Facts) -> str:
    """No such report."""
    named = f" `{escape(facts['evaluation'])}`" if facts.get("evaluation") else ""
    return f"I find no result of an evaluation{named}. `/spanwise evaluate <workflow>` makes a new one."


def unknown_case(facts: Facts) -> str:
    """No such case in force."""
    workflow = escape(facts.get("workflow", "the workflow"))
    return (
        f"`{workflow}` has no case `{escape(facts.get('case', ''))}` in force, or it was retired already. "
        f"`/spanwise cases {workflow}` lists them."
    )


def case_does_not_fit(facts: Facts) -> str:
    """Inputs that the workflow does not take."""
    problems = escape(facts.get("problems", "")).rstrip(".")
    return (
        f"The case does not fit what `{escape(facts.get('workflow', ''))}` asks for: {problems}. Correct it."
    )


def nothing_to_replay(facts: Facts) -> str:
    """The run has not ended with an answer."""
    return (
        f"Run `{escape(facts.get('run', ''))}` is {escape(facts.get('status', 'not finished'))}, so there is "
        "no answer to compare with. Try it again once it has ended."
    )


def answer_withheld(facts: Facts) -> str:
    """Documents behind the answer are not for this person."""
    return (
        f":lock: Not replayed: the answer of run `{escape(facts.get('run', ''))}` was made from documents "
        "that you may not read. Ask whoever asked for it, or the owner of those documents."
    )


def spending_cap(facts: Facts) -> str:
    """The money of an evaluation is used up."""
    return (
        f"The call was not made: it might have gone over the {escape(facts.get('cap', ''))} dollars that an "
        "evaluation may spend. An admin can raise `SPANWISE_EVALUATION_DOLLARS`."
    )


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "AnswerWithheld": answer_withheld,
    "UnknownEvaluation": unknown_evaluation,
    "UnknownCase": unknown_case,
    "CaseDoesNotFit": case_does_not_fit,
    "NothingToReplay": nothing_to_replay,
    "SpendingCapReached": spending_cap,
}
"""Error class to its sentence."""
