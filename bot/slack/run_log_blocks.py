"""The run log as blocks: a page of runs, and one run. Pure functions of values."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bot.adapters.store.run_search import Place
from bot.governance.run_filter import STATES, TEXT_CHARACTERS, RunFilter
from bot.services.run_history import RunLine, RunOpened, RunPage
from bot.slack import elements as el
from bot.slack import explain_blocks as explain
from bot.slack import explain_text
from bot.slack import run_log_text as words
from bot.slack.blocks import ANSWER_CHARACTERS, EXPLAIN, asked_text
from bot.slack.elements import Outgoing
from bot.slack.explain_text import Names
from bot.slack.payloads import Call, UnreadableClick
from bot.slack.refusals import sentence
from bot.slack.richtext import Block, rich_text
from bot.slack.text import failed, opaque_failure, quote

TURN_OLDER, TURN_NEWER, OPEN = "runs-older", "runs-newer", "runs-open"
EXPORT_CSV, EXPORT_JSONL = "runs-export-csv", "runs-export-jsonl"
"""Action ids."""

INPUTS = 8
"""Shown of one run; the file has all."""


def page_message(page: RunPage, names: Names) -> Outgoing:
    """A page of runs with its buttons."""
    head = words.page_head(page, names)
    blocks = [
        el.section(head),
        *(_line(line, names) for line in page.lines),
        *([el.context(words.looked_back(page.looked_back_to))] if page.looked_back_to else []),
        *_buttons(page),
        el.context(words.how_to_filter(sees_own_only=page.only_own)),
    ]
    return Outgoing(head.replace("*", ""), tuple(blocks))


def _line(line: RunLine, names: Names) -> Block:
    view = line.view
    question = asked_text(view.inputs)
    said = quote(question, 150) if question else words.deleted_here() if line.content == "deleted" else ""
    text = "\n".join(part for part in (words.run_line(line, names), said) if part)
    return el.section(text, el.button(words.OPEN, OPEN, view.id, about=words.about_line(view.title, view.id)))


def _buttons(page: RunPage) -> list[Block]:
    found = []
    if page.newer:
        found.append(el.button(words.NEWER, TURN_NEWER, carried(page.wanted, page.newer)))
    if page.older:
        found.append(el.button(words.OLDER, TURN_OLDER, carried(page.wanted, page.older)))
    if page.may_take and page.lines:
        found.append(el.button(words.AS_CSV, EXPORT_CSV, carried(page.wanted)))
        found.append(el.button(words.AS_JSONL, EXPORT_JSONL, carried(page.wanted)))
    return [el.actions(*found)] if found else []


def run_record(opened: RunOpened, names: Names) -> list[Block]:
    """One run with everything that is known of it."""
    explained = opened.explained
    run = explained.base.run
    fields = [el.mrkdwn(text) for text in words.run_facts(opened)]
    return [
        el.section(words.run_head(opened, names)),
        {"type": "section", "fields": fields},
        *_asked(opened),
        *_answered(opened),
        *_said(opened, names),
        el.actions(el.button("Explain", EXPLAIN, run.id, about="How this answer came about, as a picture")),
        el.header(explain_text.STEPS),
        *explain.steps_blocks(explained),
        *([] if opened.content == "deleted" else explain.passages_blocks(explained, names)),
        *explain.versions_blocks(explained, names),
    ]


def _asked(opened: RunOpened) -> list[Block]:
    if opened.content == "deleted":
        return [el.section(words.deleted_here())]
    given = {name: value for name, value in opened.explained.base.run.inputs.items() if str(value).strip()}
    lines = [
        el.section(words.asked_line(name, str(value), is_only=len(given) == 1))
        for name, value in list(given.items())[:INPUTS]
    ]
    return [el.header(words.ASKED), *lines] if lines else []


def _answered(opened: RunOpened) -> list[Block]:
    run = opened.explained.base.run
    if run.failure is not None:
        why = sentence(run.failure.kind, run.failure.facts) if run.failure.kind else opaque_failure()
        return [el.section(failed(why, run.failure.token))]
    if opened.content == "withheld":
        return [el.section(explain_text.withheld())]
    if run.answer is None or not run.answer.text.strip():
        return []
    whole = run.answer.text.strip()
    cut = [] if len(whole) <= ANSWER_CHARACTERS else [el.context(words.answer_cut())]
    return [el.header(words.ANSWERED), *rich_text(whole[:ANSWER_CHARACTERS]), *cut]


def _said(opened: RunOpened, names: Names) -> list[Block]:
    lines = list(words.said_lines(opened, names))
    shown = [el.section(line) for line in lines[: words.PEOPLE]]
    rest = [el.context(explain_text.cut(len(lines) - words.PEOPLE))] if len(lines) > words.PEOPLE else []
    return [el.header(words.SAID), *shown, *rest] if lines else []


def people_of_page(page: RunPage) -> set[str]:
    """Everyone whose name a page shows."""
    return {page.wanted.person, *(line.view.actor.id for line in page.lines)} - {""}


def people_of_record(opened: RunOpened) -> set[str]:
    """Everyone whose name a run shows."""
    said = {score.source.partition(":")[2] for score in opened.scores}
    return explain.people_of_run(opened.explained) | said


def carried(wanted: RunFilter, place: Place | None = None) -> str:
    """What a button keeps of the page it stands below."""
    found: dict[str, Any] = {key: _plain(value) for key, value in asdict(wanted).items() if value}
    if place:
        found["place"] = [_plain(place.at), place.id]
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def read_carried(call: Call) -> tuple[RunFilter, Place | None]:
    """Inverse of `carried`. Raises UnreadableClick."""
    found = call.json_value()
    try:
        place = found.pop("place", None)
        wanted = RunFilter(**{key: _typed(key, value) for key, value in found.items()})
        is_known = wanted.state in ("", *STATES) and wanted.vote in ("", "up", "down")
        if not is_known or len(wanted.text) > TEXT_CHARACTERS:
            raise ValueError(wanted)
        return wanted, Place(_typed("since", place[0]), str(place[1])) if place else None
    except (TypeError, ValueError, LookupError) as error:
        raise UnreadableClick(call.name) from error


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _typed(key: str, value: Any) -> Any:
    if not isinstance(value, str):
        raise TypeError(key)
    if key not in ("since", "until"):
        return value
    at = datetime.fromisoformat(value)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
