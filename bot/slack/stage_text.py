"""What people read about stages, pilots and readiness. Values are escaped here."""

from collections.abc import Iterable, Mapping

from bot.adapters.store.stages_log import Standing
from bot.governance.stages import Pilot
from bot.slack.elements import escape, is_person, mention, moment, one_line

Names = Mapping[str, str]
"""Id of a person or user group to what people call it."""
NOBODY: Names = {}

LINES: dict[str, str] = {
    "owner": "an owner",
    "deputy": "a deputy",
    "purpose": "the purpose",
    "cases": "passing cases",
    "cost": "the forecast",
    "knowledge": "the knowledge",
    "outside": "what happens outside the knowledge",
    "budget": "a budget",
    "approval": "an approval",
}
"""Lines of the card as a sentence names them."""

_STAGES = {
    "draft": "a draft",
    "pilot": "in pilot",
    "production": "in production",
    "retired": "retired",
}
_KINDS = {"parameters": "parameters of", "rules": "rules", "models": "model profiles"}


def stage_words(stage: str) -> str:
    """Where it stands, after "is"."""
    return _STAGES.get(stage, escape(stage))


def people_words(people: Iterable[str], names: Names = NOBODY) -> str:
    """People as mentions, user groups by their handle: a mention of theirs would call all of them."""
    return ", ".join(
        mention(each) if is_person(each) else f"*{escape(names.get(each, each))}*" for each in people
    )


def pilot_words(pilot: Pilot, names: Names = NOBODY) -> str:
    """Whom a pilot serves."""
    named = people_words([*pilot.people, *pilot.groups], names)
    rest = " of the others" if named else " of the people"
    share = f"{pilot.share} %{rest}" if pilot.share else ""
    whom = " and ".join(part for part in (named, share) if part)
    paused = f" It rests: {paused_words(pilot.paused)}." if pilot.paused else ""
    return f"The candidate serves {whom} since {moment(pilot.since)}.{paused}"


def paused_words(why: str) -> str:
    """Why a pilot rests."""
    known = {
        "votes": "the guard found its votes worse than those of production by more than chance",
        "failures": "the guard found that it fails more often than production by more than chance",
        "by hand": "somebody paused it",
    }
    return known.get(why, f"“{one_line(why, 200)}”")


def pilot_started(workflow: str, pilot: Pilot, names: Names) -> str:
    """After a pilot began or its people changed."""
    return f"`{escape(workflow)}` is in pilot. {pilot_words(pilot, names)}"


def moved_words(workflow: str, what: str) -> str:
    """After a move that needs no more words."""
    return f"`{escape(workflow)}` {what}."


def retired(workflow: str) -> str:
    """After a workflow was retired."""
    name = escape(workflow)
    return (
        f"`{name}` is retired: nobody runs it any more. Its runs stay, and "
        f"`/spanwise reopen {name}` brings it back."
    )


def guard_paused(workflow: str, facts: Iterable[tuple[str, str]], measure: str) -> str:
    """To the owners, when the guard rested a pilot."""
    name = escape(workflow)
    said = "\n".join(f"• {escape(side)}: {escape(value)}" for side, value in facts)
    return (
        f":warning: I paused the pilot of `{name}`: {paused_words(measure)}. Everybody has "
        f"production again.\n{said}\n`/spanwise promote {name}` shows the rest, with the button to resume."
    )


def card_gone() -> str:
    """A card whose workflow cannot be read any more."""
    return "This card is out of date: its workflow is not there any more, or its cases cannot be read."


def card_title(title: str, *, has_candidate: bool) -> str:
    """Head of the card."""
    return f"Ready for everybody? {title}" if has_candidate else f"How it stands: {title}"


def stands(workflow: str, stage: str, why: str) -> str:
    """Where the workflow is."""
    because = f": “{one_line(why, 200)}”" if why else ""
    return f"`/{escape(workflow)}` is *{stage_words(stage)}*{because}."


def candidate_words(found: list[tuple[str, str, int, int]], reaches: list[str]) -> str:
    """What the candidate changes."""
    if not found:
        return "There is no candidate: nothing differs from production."
    parts = [
        f"{_KINDS.get(kind, kind)} `{escape(name)}` v{new} ({f'production has v{old}' if old else 'new'})"
        for kind, name, old, new in found
    ]
    more = f" and {len(parts) - 8} more" if len(parts) > 8 else ""
    others = ", ".join(f"`/{escape(name)}`" for name in reaches)
    also = f"\n:warning: Promoting it also changes {others}." if reaches else ""
    return f"Candidate: {', '.join(parts[:8])}{more}.{also}"


def sure_to_promote(workflow: str) -> dict[str, str]:
    """The question before a promotion."""
    return {
        "title": "Promote?",
        "text": f"Everybody gets the candidate of {workflow} from now on. It can be rolled back.",
        "yes": "Promote",
        "no": "Not yet",
    }


def nothing_stands() -> str:
    """No workflow that concerns this person."""
    return "There is no workflow here that you may run, see or move."


def standing_line(standing: Standing, names: Names) -> str:
    """One workflow of the overview."""
    said = stands(standing.workflow, standing.stage.value, standing.why)
    return f"{said} {pilot_words(standing.pilot, names)}" if standing.pilot else said


def promoted(workflow: str) -> str:
    """After a promotion."""
    name = escape(workflow)
    return f":white_check_mark: `{name}` is in production: everybody gets what the pilot tried out."


def cases_running(workflow: str) -> str:
    """The cases were asked for."""
    return f"The cases of `{escape(workflow)}` run now; the card changes when they are through."


def approval_asked(count: int) -> str:
    """The card went out."""
    return f"I sent the card to {count} {'person' if count == 1 else 'people'} who may approve it."


def approved(workflow: str) -> str:
    """An approval is on record."""
    return f"Noted: you approve this candidate of `{escape(workflow)}`, and no later one."


def how_to(word: str) -> str:
    """A command without what it needs."""
    examples = {
        "promote": "`/spanwise promote ask-policy`",
        "pilot": "`/spanwise pilot ask-policy @ana @leads 20%`, or `pause`, `resume`, `stop` in their place",
        "retire": "`/spanwise retire ask-policy because the new handbook answers this`",
        "reopen": "`/spanwise reopen ask-policy`",
    }
    return f"Say which workflow, as in {examples.get(word, '`/spanwise stages`')}."


def not_a_member() -> str:
    """Under a field with a guest, a bot or somebody who left."""
    return "Choose somebody who is a member of this workspace: not a guest, a bot or a deactivated account."


def not_a_volume() -> str:
    """Under the field of the volume."""
    return "Give a whole number of runs a month, 1 or more."


def nothing_expected() -> str:
    """Under a case that expects nothing."""
    return "Say what the answer must contain, or tick that it must say that it does not know."


def nobody_chosen() -> str:
    """Under a pilot for nobody."""
    return "Choose people, or a share above 0."
