"""The sentences of what stands in the way of a pilot, a promotion or a retired workflow."""

from collections.abc import Callable, Mapping

from bot.slack.elements import escape, is_person, mention
from bot.slack.stage_text import LINES, stage_words

Facts = Mapping[str, str]

MOVES: Mapping[str, str] = {
    "promote": "Only what a pilot tries out is promoted: start one with `/spanwise pilot {workflow} …`.",
    "pause": "There is no pilot to pause.",
    "resume": "No pilot is paused.",
    "stop": "There is no pilot to stop.",
    "reopen": "Only what is retired can be brought back.",
    "retired": "It is retired already.",
    "pilot": "Bring it back first: `/spanwise reopen {workflow}`.",
    "draft": "Bring it back first: `/spanwise reopen {workflow}`.",
    "production": "Start a pilot first: `/spanwise pilot {workflow} …`.",
}
"""The move that does not begin here, to what to do instead."""


def _ask(facts: Facts) -> str:
    named = [mention(person) for person in facts.get("ask", "").split(",") if is_person(person)]
    return f" {' or '.join(named[:3])} can say more." if named else ""


def _name(facts: Facts) -> str:
    name = facts.get("workflow", "")
    return f"`{escape(name)}`" if name else "This workflow"


def retired(facts: Facts) -> str:
    """Nobody runs it any more."""
    why = facts.get("why", "")
    because = f": “{escape(why)}”" if why else ""
    return f":lock: {_name(facts)} is retired and runs for nobody{because}.{_ask(facts)}"


def not_in_pilot(facts: Facts) -> str:
    """It serves a few so far."""
    if facts.get("paused"):
        return f":lock: {_name(facts)} is being tried out and rests at the moment.{_ask(facts)}"
    if facts.get("stage") == "draft":
        return f":lock: {_name(facts)} is a draft: only those who may change it run it.{_ask(facts)}"
    few = "is being tried out with some people first, and you are not yet among them."
    return f":lock: {_name(facts)} {few}{_ask(facts)}"


def wrong_stage(facts: Facts) -> str:
    """The move does not begin there."""
    workflow = escape(facts.get("workflow", ""))
    instead = MOVES.get(facts.get("move", ""), "`/spanwise stages` shows where everything stands.")
    return f"{_name(facts)} is {stage_words(facts.get('stage', ''))}. {instead.format(workflow=workflow)}"


def no_candidate(facts: Facts) -> str:
    """Nothing differs from production."""
    return (
        f"There is no candidate of {_name(facts)}: nothing differs from production. "
        "Propose a change as a candidate first."
    )


def nobody_to_pilot(facts: Facts) -> str:
    """For whom?"""
    workflow = escape(facts.get("workflow", ""))
    return (
        f"For whom? Name people, a user group or a share from 1 to 100 %, "
        f"as in `/spanwise pilot {workflow} @ana @leads 20%`."
    )


def not_ready(facts: Facts) -> str:
    """Lines of the card are missing."""
    missing = facts.get("missing", "").split(",")
    named = ", ".join(LINES.get(name, escape(name)) for name in missing)
    card = f"`/spanwise promote {escape(facts.get('workflow', ''))}`"
    return (
        f"Not promoted. Still missing: {named}. {card} shows each line with the button that supplies it; "
        "the approval of whoever promotes does not count."
    )


def own_candidate(facts: Facts) -> str:
    """Written by the approver."""
    return f"You wrote part of this candidate of {_name(facts)}: somebody else has to approve it."


def candidate_moved(facts: Facts) -> str:
    """Another candidate than the card showed."""
    card = f"`/spanwise promote {escape(facts.get('workflow', ''))}`"
    return (
        f"The candidate of {_name(facts)} has changed since that card was drawn, so nothing was decided. "
        f"Press *Look again* or send {card}, and decide on what it shows then."
    )


def nobody_approves(facts: Facts) -> str:
    """No one to ask."""
    named = [mention(person) for person in facts.get("ask", "").split(",") if is_person(person)]
    whom = " or ".join(named[:3]) or "An admin"
    return f"Nobody else may approve {_name(facts)} yet. {whom} can give somebody the role “approver”."


def not_a_number(facts: Facts) -> str:
    """A volume that is none."""
    return f"“{escape(facts.get('value', ''))}” is not a whole number of runs from 1 to 1,000,000,000."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "WorkflowRetired": retired,
    "NotInPilot": not_in_pilot,
    "WrongStage": wrong_stage,
    "NoCandidate": no_candidate,
    "NobodyToPilot": nobody_to_pilot,
    "NotReady": not_ready,
    "OwnCandidate": own_candidate,
    "CandidateMoved": candidate_moved,
    "NobodyApproves": nobody_approves,
    "InvalidVolume": not_a_number,
}
"""Error class to its sentence."""
