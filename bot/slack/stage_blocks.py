"""The readiness card, the notice of a paused pilot, and where everything stands. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from bot.adapters.store.stages_log import Standing
from bot.governance.stages import Stage
from bot.quality.readiness import Evidence, Line, LineName, Readiness, Supply
from bot.services.candidates import Difference
from bot.services.outbox_items import OutboxItem
from bot.services.readiness_cards import Card
from bot.slack import elements as el
from bot.slack import readiness_text as lines
from bot.slack import stage_text as words
from bot.slack.blocks import notice
from bot.slack.elements import Outgoing, is_person
from bot.slack.richtext import Block

NAME_PERSON, ADD_CASE, RUN_CASES, SET_VOLUME, ADD_DOCUMENT, SET_BUDGET, ASK_APPROVAL = (
    "stage-name-person",
    "stage-add-case",
    "stage-run-cases",
    "stage-set-volume",
    "stage-add-document",
    "stage-set-budget",
    "stage-ask-approval",
)
APPROVE, PROMOTE, PILOT, PAUSE, RESUME, STOP, REFRESH = (
    "stage-approve",
    "stage-promote",
    "stage-pilot",
    "stage-pause",
    "stage-resume",
    "stage-stop",
    "stage-refresh",
)
"""Action ids; each carries the workflow, and what decides on a candidate also which one the card showed."""

SUPPLIES: Mapping[Supply, str] = {
    Supply.NAME_OWNER: NAME_PERSON,
    Supply.ADD_CASE: ADD_CASE,
    Supply.RUN_CASES: RUN_CASES,
    Supply.SET_VOLUME: SET_VOLUME,
    Supply.ADD_KNOWLEDGE: ADD_DOCUMENT,
    Supply.SET_BUDGET: SET_BUDGET,
    Supply.ASK_APPROVAL: ASK_APPROVAL,
}


def readiness_letter(item: OutboxItem, now: datetime, names: Mapping[str, str]) -> Outgoing:
    """The card as it stands when it is drawn."""
    return card_message(item.about, now, names) if isinstance(item.about, Card) else notice(words.card_gone())


def paused_letter(item: OutboxItem, _now: datetime, _names: Mapping[str, str]) -> Outgoing:
    """The guard rested a pilot."""
    facts = [(side, str(item.body.get(side, ""))) for side in ("candidate", "production")]
    said = words.guard_paused(str(item.body.get("workflow", "")), facts, str(item.body.get("measure", "")))
    return notice(said)


def card_message(card: Card, now: datetime, names: Mapping[str, str]) -> Outgoing:
    """Everything that a promotion asks, each line with the button that supplies it."""
    evidence, workflow = card.readiness.evidence, card.standing.workflow
    title = words.card_title(evidence.title, has_candidate=bool(card.differences))
    blocks: list[Block] = [
        el.header(el.shorten(title, 150)),
        el.section(_standing(card, names)),
        el.divider(),
        *(_line(line, card.readiness, workflow, now) for line in card.readiness.lines),
    ]
    if card.comparison is not None and card.standing.pilot is not None:
        said = lines.comparison_lines(card.comparison, is_drawn=card.standing.pilot.is_drawn)
        blocks += [el.divider(), el.section(said)]
    blocks.append(el.actions(*_moves(card)))
    return Outgoing(title, tuple(blocks), mentions=_mentioned(card))


def overview_message(standings: Sequence[Standing], names: Mapping[str, str]) -> Outgoing:
    """Where everything stands."""
    if not standings:
        return notice(words.nothing_stands())
    shown = [words.standing_line(standing, names) for standing in standings]
    mentions = {person for each in standings if each.pilot for person in each.pilot.people}
    return notice("\n".join(shown[:40]), mentions=filter(is_person, mentions))


def _standing(card: Card, names: Mapping[str, str]) -> str:
    standing = card.standing
    parts = [words.stands(standing.workflow, standing.stage.value, standing.why)]
    if standing.pilot is not None:
        parts.append(words.pilot_words(standing.pilot, names))
    parts.append(_candidate(card.differences))
    return "\n".join(parts)


def _candidate(found: Iterable[Difference]) -> str:
    return words.candidate_words(
        [(each.kind, each.name, each.old, each.new) for each in found],
        sorted({name for each in found for name in each.reaches}),
    )


def _line(line: Line, readiness: Readiness, workflow: str, now: datetime) -> Block:
    said = _said(line.name, readiness.evidence, now)
    return el.section(f"{_mark(line)} *{lines.TITLES[line.name]}*  {said}", _supply(line, workflow))


def _said(name: LineName, evidence: Evidence, now: datetime) -> str:
    said: Mapping[LineName, Callable[[], str]] = {
        LineName.OWNER: lambda: lines.owner_line(evidence.holders),
        LineName.DEPUTY: lambda: lines.deputy_line(evidence.holders),
        LineName.PURPOSE: lambda: lines.purpose_line(evidence.purpose),
        LineName.CASES: lambda: lines.cases_line(evidence.cases),
        LineName.COST: lambda: lines.cost_line(evidence.cost),
        LineName.KNOWLEDGE: lambda: lines.knowledge_line(evidence.knowledge, now),
        LineName.OUTSIDE: lambda: lines.outside_line(evidence),
        LineName.BUDGET: lambda: lines.budget_line(evidence.budgets),
        LineName.APPROVAL: lambda: lines.approval_line(evidence),
    }
    return said[name]()


def _mark(line: Line) -> str:
    if line.is_met:
        return ":white_check_mark:"
    return ":no_entry:" if line.is_needed else ":warning:"


def _supply(line: Line, workflow: str) -> Block | None:
    if line.supply is None:
        return None
    label = lines.BUTTONS[line.supply]
    about = f"{label}: {lines.TITLES[line.name]} of {workflow}"
    return el.button(label, SUPPLIES[line.supply], workflow, about=about)


def _moves(card: Card) -> list[Block]:
    """What can be done next, in the order one does it."""
    workflow, stage = card.standing.workflow, card.standing.stage
    decided = f"{workflow}:{card.fingerprint}"
    found: list[Block] = []
    if card.differences and stage is Stage.PILOT and card.readiness.is_ready:
        button = el.button("Promote", PROMOTE, decided, style="primary")
        found.append(el.confirming(button, **words.sure_to_promote(workflow)))
    if card.differences and stage is not Stage.RETIRED:
        found.append(el.button("Approve", APPROVE, decided))
        found.append(
            el.button("Start a pilot" if stage is not Stage.PILOT else "Change the pilot", PILOT, workflow)
        )
    if card.standing.pilot is not None:
        is_paused = bool(card.standing.pilot.paused)
        found.append(
            el.button("Resume", RESUME, workflow) if is_paused else el.button("Pause", PAUSE, workflow)
        )
        found.append(el.button("Stop the pilot", STOP, workflow))
    return [*found, el.button("Look again", REFRESH, workflow)]


def _mentioned(card: Card) -> frozenset[str]:
    evidence, pilot = card.readiness.evidence, card.standing.pilot
    people = {holder.person for holder in evidence.holders}
    people |= {approval.person for approval in evidence.approvals}
    people |= {owner for each in evidence.knowledge for owner in each.owners}
    people |= set(pilot.people) if pilot else set()
    return frozenset(filter(is_person, people))
