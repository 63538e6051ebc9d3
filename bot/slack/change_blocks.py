"""Change requests as blocks: the one message, the notes below it, lists and modals. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from bot.governance.changes import ChangeStatus
from bot.governance.differences import changed_parts, is_cut
from bot.quality.evaluation import ANSWER, EvaluationReport, ReportRow, Trial
from bot.services.change_history import History
from bot.services.change_posts import CHANGE, NOTE
from bot.services.change_views import ChangeView
from bot.services.outbox_items import OutboxItem
from bot.slack import change_text as said
from bot.slack import elements as el
from bot.slack import text
from bot.slack.blocks import notice
from bot.slack.elements import Outgoing
from bot.slack.forms import DONE
from bot.slack.richtext import Block, visible
from workflows.versions import Piece

APPROVE, ASK, REJECT = "change-approve", "change-ask", "change-reject"
WITHDRAW, UNDO, REBASE, REVISE = "change-withdraw", "change-undo", "change-rebase", "change-revise"
SHOW_ALL, SHOW_TESTS, ROLL_BACK = "change-show", "change-tests", "version-rollback"
"""Action ids, noun-verb."""

REASON_FORM, REASON = "change-reason-form", "change-reason"
"""Callback id of the form that asks why, and the action id of its field."""

SHOWN = 2400
"""Characters of a difference in the message; all of it is under Show all."""
PIECE = 2800
VIEW_BLOCKS = 60
ROWS = 60
LISTED = 15
VERSIONS = 20

Names = Mapping[str, str]
NOBODY: Names = MappingProxyType({})

__all__ = ["CHANGE", "NOTE", "change_message", "letter", "note_letter"]


def letter(item: OutboxItem, _now: datetime, names: Names) -> Outgoing:
    """The message of a change request, as the courier draws it."""
    view = item.about
    return change_message(view, names) if isinstance(view, ChangeView) else notice(text.opaque_failure())


def note_letter(item: OutboxItem, _now: datetime, names: Names) -> Outgoing:
    """A line in the thread of a change request."""
    facts = {key: str(item.body.get(key, "")) for key in ("event", "by", "author", "words")}
    words = said.event_note(facts["event"], by=facts["by"], author=facts["author"], words=facts["words"])
    people = (facts["by"], facts["author"])
    plain = words
    for person in people:
        plain = plain.replace(el.mention(person), names.get(person, "Somebody")) if person else plain
    return Outgoing(unescaped(plain), (el.section(words),), frozenset(people))


def unescaped(words: str) -> str:
    """Mrkdwn as the plain words of a notification."""
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def change_message(view: ChangeView, names: Names = NOBODY) -> Outgoing:
    """The one message of a change request, as it stands."""
    shown = changed_parts(view.pieces, limit=SHOWN)
    blocks = [
        el.section(said.headline(view)),
        el.context(said.state(view.status), said.asked_by(view)),
        el.section(el.naming(view.effect, view.target.name.partition(":")[0], names)),
        *([el.section(said.reason(view.reason))] if view.reason.strip() else []),
        *([] if view.target.kind == "grant" else difference(shown)),
        *([el.context(said.trimmed())] if is_cut(view.pieces, shown) else []),
        *_tests(view),
        *_standing(view),
        *_buttons(view, has_more=is_cut(view.pieces, shown)),
    ]
    words = f"{said.state(view.status).partition(' ')[2]}: {view.effect}"
    return Outgoing(words, tuple(blocks), _mentions(view))


def difference(pieces: Sequence[Piece]) -> list[Block]:
    """What changed as rich text: what went is struck through, what came is bold."""
    if not any(piece.change != "same" and piece.text.strip() for piece in pieces):
        return [el.context(said.nothing_shown())]
    return [
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": group}]}
        for group in _grouped(pieces)
    ]


def _grouped(pieces: Iterable[Piece]) -> Iterator[list[Block]]:
    """Elements of at most PIECE characters together."""
    group: list[Block] = []
    size = 0
    for before, piece in zip((None, *pieces), pieces, strict=False):
        words = visible(piece.text)
        if before is not None and _run_together(before, piece):
            group.append({"type": "text", "text": " "})
        for at in range(0, len(words), PIECE):
            part = words[at : at + PIECE]
            if group and size + len(part) > PIECE:
                yield group
                group, size = [], 0
            group.append(_styled(part, piece.change))
            size += len(part)
    if group:
        yield group


def _run_together(before: Piece, piece: Piece) -> bool:
    """Whether what went would be read as one word with what came."""
    both = {before.change, piece.change} == {"removed", "added"}
    return both and not before.text[-1:].isspace() and not piece.text[:1].isspace()


def _styled(words: str, change: str) -> Block:
    if change == "same":
        return {"type": "text", "text": words}
    style = {"strike": True} if change == "removed" else {"bold": True}
    return {"type": "text", "text": words, "style": style}


def _tests(view: ChangeView) -> Iterator[Block]:
    if view.status in (ChangeStatus.OPEN, ChangeStatus.TESTING) or view.is_rollback:
        return
    for tested in view.tests:
        yield el.section(said.result(tested, alone=len(view.affected) == 1))
        if said.cited(tested):
            yield el.section(said.cited(tested))
        yield el.context(said.result_figures(tested))
    if (view.untested or not view.tests) and view.target.kind != "grant":
        yield el.context(said.untested(view))


def _standing(view: ChangeView) -> Iterator[Block]:
    words = said.outcome(view)
    if words:
        yield el.section(words)
    if view.status is ChangeStatus.IN_REVIEW:
        yield el.section(said.approvals(view))


def _buttons(view: ChangeView, *, has_more: bool) -> list[Block]:
    value = f"{view.id}:{view.round}"
    deciding = _DECIDING.get(view.status, ())
    buttons = [_BUTTONS[name](value) for name in deciding]
    if has_more:
        buttons.append(el.button("Show all", SHOW_ALL, value, about="Show the whole change"))
    buttons += _tests_button(view, value)
    return [el.actions(*buttons)] if buttons else []


def decisions(view: ChangeView) -> list[Block]:
    """Buttons for whoever may approve it and reads of it away from its message."""
    value = f"{view.id}:{view.round}"
    deciding = [_BUTTONS[name](value) for name in _DECIDING.get(view.status, ()) if name != "withdraw"]
    whole = el.button("Show all", SHOW_ALL, value, about="Show the whole change")
    return [el.actions(whole, *deciding, *_tests_button(view, value))]


def _tests_button(view: ChangeView, value: str) -> list[Block]:
    about = "Show every case on both sides"
    return [el.button("Show tests", SHOW_TESTS, value, about=about)] if view.tests else []


def _undo(value: str) -> Block:
    return el.confirming(
        el.button("Undo", UNDO, value),
        title="Undo this change?",
        text="What stood before is in force again from the next run on.",
        yes="Undo",
        no="Keep it",
    )


_BUTTONS = {
    "approve": lambda value: el.button("Approve", APPROVE, value, style="primary"),
    "ask": lambda value: el.button("Request changes", ASK, value),
    "reject": lambda value: el.button("Reject", REJECT, value, style="danger"),
    "withdraw": lambda value: el.button("Withdraw", WITHDRAW, value, about="Withdraw your change request"),
    "rebase": lambda value: el.button("Propose on today's version", REBASE, value, style="primary"),
    "revise": lambda value: el.button("Revise", REVISE, value, style="primary"),
    "undo": _undo,
}
_DECIDING: Mapping[ChangeStatus, tuple[str, ...]] = {
    ChangeStatus.OPEN: ("withdraw",),
    ChangeStatus.TESTING: ("withdraw",),
    ChangeStatus.IN_REVIEW: ("approve", "ask", "reject", "withdraw"),
    ChangeStatus.REVISING: ("revise", "withdraw"),
    ChangeStatus.STALE: ("rebase", "withdraw"),
    ChangeStatus.APPLIED: ("undo",),
}


def _mentions(view: ChangeView) -> frozenset[str]:
    people = {view.author, *view.authors, *view.may_approve, *(each.person for each in view.reviews)}
    return frozenset({*people, view.why.get("by", ""), view.target.name.partition(":")[0]})


def reason_form(act: str, value: str, metadata: str, *, warning: str = "") -> Block:
    """The form that asks why."""
    field = el.field_block("reason", said.LABELS[act], el.text_input(REASON, limit=2000))
    opening = [el.section(warning)] if warning else []
    return el.modal(
        said.TITLES[act],
        [*opening, field],
        callback_id=REASON_FORM,
        metadata=metadata,
        submit="Approve" if act == "override" else "Send",
        close="Cancel",
    )


def whole_view(view: ChangeView) -> Block:
    """The whole difference."""
    blocks = [el.context(said.asked_by(view)), *difference(view.pieces)]
    return el.modal("The whole change", blocks[:VIEW_BLOCKS], callback_id=DONE)


def tests_view(view: ChangeView, reports: Sequence[EvaluationReport]) -> Block:
    """Every case on both sides."""
    blocks: list[Block] = []
    for report in reports:
        blocks.append(el.header(f"/{report.workflow}"))
        blocks += [el.section(_row(row)) for row in _by_weight(report)[:ROWS]]
        blocks += [el.context(f"_{el.escape(note)}_") for note in report.notes]
    if not blocks:
        blocks = [el.section(said.untested(view))]
    return el.modal("What was tested", blocks[:90], callback_id=DONE)


def _by_weight(report: EvaluationReport) -> list[ReportRow]:
    """What newly fails first, then what newly passes, what is answered otherwise, and the rest as it came."""
    return sorted(
        report.rows,
        key=lambda row: (not row.is_newly_failing, not row.is_newly_passing, not row.is_answered_otherwise),
    )


def _row(row: ReportRow) -> str:
    mark = ":x:" if row.is_newly_failing else ":sparkles:" if row.is_newly_passing else ":small_blue_diamond:"
    old = f"{_trial(row.old)} → " if row.old is not None else ""
    head = f"{mark} *{el.one_line(row.id, 80)}* · {row.source} · {old}{_trial(row.new)}"
    beside = [score.reason for score in row.new.scores if score.name == ANSWER]
    reasons = [score.reason for score in row.new.scores if score.passed is False] or [row.new.note]
    lines = [f"_{el.one_line(reason, 300)}_" for reason in (*beside, *reasons[:3]) if reason]
    return "\n".join([head, *lines, *_answers(row)])


def _answers(row: ReportRow) -> Iterator[str]:
    """The new answer where it fails; both where it would be another one."""
    if row.is_answered_otherwise and row.old is not None and row.old.answer and row.new.answer:
        yield f"Today:\n{text.quote(row.old.answer, 250)}"
        yield f"With this:\n{text.quote(row.new.answer, 250)}"
    elif row.new.answer and row.is_newly_failing:
        yield text.quote(row.new.answer, 300)


def _trial(trial: Trial) -> str:
    if not trial.was_run:
        return trial.standing.value
    return f"{trial.standing.value} ({text.dollars(Decimal(trial.cost_usd))}, {text.elapsed(trial.seconds)})"


def changes_list(views: Sequence[ChangeView], links: Mapping[str, str]) -> Outgoing:
    """Open change requests; `links` lead from an id to its message."""
    if not views:
        return notice(said.none_open())
    rows = []
    for view in views[:LISTED]:
        link = links.get(view.id, "")
        rows.append(el.section(said.line(view) + (f"\n<{link}|Open it>" if link else "")))
    people = {person for view in views for person in _mentions(view)}
    count = f"{len(views)} open change requests" if len(views) != 1 else "1 open change request"
    return Outgoing(count, tuple(rows), frozenset(people), frozenset(links.values()))


def history_message(history: History, title: str) -> Outgoing:
    """Versions with who and when, and the button that goes back."""
    rows, people = [], set[str]()
    if history.is_as_filed:
        rows.append(el.section(said.as_filed()))
    for line in history.versions[:VERSIONS]:
        people |= {line.author, *(each.by for each in line.moves)}
        moves = [
            said.moved_line(each.action, each.by, each.at, each.change_id) for each in line.moves[:3]
        ] or [said.never_live()]
        words = said.version_line(line.number, line.author, "\n".join(moves), is_live=line.is_live)
        rows.append(
            el.section(words, _go_back(history, line.number) if _is_offered(history, line.number) else None)
        )
    what = said.about(history.target, title)
    return Outgoing("Versions", (el.section(f"Versions of {what}"), *rows), frozenset(people))


def _is_offered(history: History, number: int) -> bool:
    return any(line.number == number and line.moves and not line.is_live for line in history.versions)


def _go_back(history: History, number: int) -> Block:
    live = next((line.number for line in history.versions if line.is_live), 0)
    value = f"{history.target}|{number}|{live}"
    button = el.button("Roll back", ROLL_BACK, value, about=f"Roll back to version {number}")
    return el.confirming(
        button,
        title=f"Roll back to {number}?",
        text="It is in force from the next run on. That is recorded, and can be undone.",
        yes="Roll back",
        no="Cancel",
    )
