"""Messages as blocks: pure functions of values. Nothing here asks Slack or the store."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from bot.services.catalogue import Released
from bot.services.closed_collections import is_closed
from bot.services.near_owners import near_owners
from bot.services.run_views import RunView
from bot.slack import elements as el
from bot.slack import escalation_text, text
from bot.slack.budget_text import cost
from bot.slack.elements import Outgoing
from bot.slack.richtext import Block, rich_text
from bot.slack.state_text import state_words
from knowledge.document import Citation, Passage, by_place
from workflows.inputs import Input
from workflows.run import Answer, RunStatus

CANCEL, RETRY = "run-cancel", "run-retry"
VOTE, EXPLAIN, SHARE, ASK = "answer-vote", "answer-explain", "answer-share", "answer-ask"
PICK, FILL, START, FORGET = "workflow-pick", "inputs-fill", "workflow-start", "question-forget"
"""Action ids, noun-verb."""

ANSWER_CHARACTERS = 9000
"""Of an answer in the message; the whole of it is under Explain."""
SOURCES = 12
PICK_CHARACTERS = 1500
"""Longest message that a button can carry to the workflow it picks; Slack allows 2000 in all."""

Names = Mapping[str, str]


def run_message(view: RunView, *, now: datetime, names: Names | None = None, moved: bool = False) -> Outgoing:
    """The one message of a run, as the run stands."""
    top = _heading(view)
    note = (el.context(text.moved_here(view.origin.channel_id)),) if moved else ()
    if view.status is RunStatus.SUCCEEDED and view.answer is not None:
        words, body = _answered(view, view.answer, now, names or {})
    elif view.status is RunStatus.FAILED:
        words, body = _failed(view)
    elif view.status is RunStatus.CANCELLED:
        words = text.cancelled(_seconds(view, now))
        body = (el.section(words), el.actions(_retry(view)))
    else:
        words, body = _unfinished(view, now)
    return Outgoing(f"{view.title}: {words}", (*top, *body, *note), _mentions(view))


def shared_message(view: RunView, *, now: datetime, names: Names | None = None) -> Outgoing:
    """A private answer, put where others read it by the person who asked."""
    answer = view.answer
    if answer is None:
        raise ValueError("a run without an answer is never shared")
    opening = el.context(text.shared_by(view.actor.id) + " " + _question_line(view))
    body = (
        *_answer_blocks(answer),
        *_sources(answer.citations, now, names or {}),
        _receipt(view, answer, now),
    )
    buttons = (_votes(view), el.actions(_explain(view)))
    return Outgoing(f"{view.title}: {answer.text}", (opening, *body, *buttons), frozenset({view.actor.id}))


def notice(words: str, *blocks: Block, links: Iterable[str] = (), mentions: Iterable[str] = ()) -> Outgoing:
    """One sentence, with blocks below it or none."""
    return Outgoing(words, (el.section(words), *blocks), frozenset(mentions), frozenset(links))


def details_notice(released: Released, value: str, problems: Iterable[str] = ()) -> Outgoing:
    """A message did not hold all inputs, or wrong ones; the button opens the form."""
    words = text.details_needed(released.title, problems)
    return notice(words, el.actions(el.button("Fill in the details", FILL, value, style="primary")))


def pick_notice(candidates: Sequence[Released], values: Sequence[str]) -> Outgoing:
    """Several workflows fit: one button each."""
    rows = [
        el.section(
            f"*{el.escape(item.title)}*\n{el.escape(item.purpose)}",
            el.button("Use this", PICK, value, about=f"Use {item.title}"),
        )
        for item, value in zip(candidates, values, strict=True)
    ]
    return notice(text.which_one(), *rows, el.actions(el.button("None of these", FORGET, "{}")))


def help_message(released: Released, *, is_public: bool) -> Outgoing:
    """What one command does, and how to type it."""
    inputs = [
        f"• `{el.escape(name)}` {el.escape(item.label)} – {_kind(item)}"
        for name, item in released.face.asked_inputs.items()
    ]
    examples = [f"`/{el.escape(released.name)} {el.escape(example)}`" for example in released.examples[:3]]
    where = text.where_channel("", is_joined=None) if is_public else text.where_private("")
    blocks = [
        el.section(f"*{el.escape(released.title)}*\n{el.escape(released.purpose)}"),
        el.section(f"Type `{el.escape(usage(released))}`\n" + "\n".join(inputs)),
        *([el.section("For example\n" + "\n".join(examples))] if examples else []),
        el.context(where, "Add `--public` to answer in the channel, `--private` to answer only to you."),
        el.context(text.AI_NOTICE),
    ]
    return Outgoing(f"{released.title}: {released.purpose}", tuple(blocks))


def _kind(item: Input) -> str:
    kind = " or ".join(el.escape(choice) for choice in item.choices) or item.kind
    return kind if item.required and item.default is None else f"{kind}, optional"


def list_message(everything: Sequence[Released], ask: Iterable[str] = ()) -> Outgoing:
    """What this person may run."""
    if not everything:
        ask = tuple(ask)
        return notice(text.nothing_to_run(ask), mentions=ask)
    rows = [
        el.section(
            f"*{el.escape(item.title)}* `{el.escape(usage(item))}`\n{el.escape(item.purpose)}",
            el.button("Run", START, item.name, about=f"Run {item.title}"),
        )
        for item in everything
    ]
    names = ", ".join(f"/{item.name}" for item in everything)
    footer = el.context(
        "`/spanwise help <name>` explains one · `run <name> …` · `status` · `runs` · `cancel <run>` · "
        "`settings`"
    )
    return Outgoing(f"You can run {names}", (el.section(text.what_i_am()), *rows, footer))


def runs_message(views: Sequence[RunView]) -> Outgoing:
    """A person's recent runs."""
    if not views:
        return notice(text.no_runs())
    rows = [el.section(run_line(view), _stop(view) if _is_open(view) else None) for view in views]
    return Outgoing(f"Your {len(views)} most recent runs", tuple(rows))


def run_line(view: RunView) -> str:
    """One run in a list."""
    queued = view.status is RunStatus.QUEUED and view.position > 0
    ended = state_words(view.ending, view.status)
    state = text.in_line(view.position, view.wait_s).lower() if queued else ended
    first = text.status_line(view.title, state, view.id, el.moment(view.created_at))
    question = asked_text(view.inputs)
    return f"{first}\n{text.quote(question, 150)}" if question else first


def usage(released: Released) -> str:
    """How to type a workflow's command."""
    return f"/{released.name} {released.usage_hint}".strip()


def asked_text(inputs: Mapping[str, str]) -> str:
    """What was asked, for quoting."""
    given = {name: str(value) for name, value in inputs.items() if str(value).strip()}
    if len(given) == 1 or "question" in given:
        return given.get("question") or next(iter(given.values()))
    return "; ".join(f"{name}: {value}" for name, value in given.items())


def _heading(view: RunView) -> tuple[Block, ...]:
    """Slash commands and shortcuts leave no trace in a channel, so the message says what was asked."""
    if view.origin.surface not in ("command", "shortcut"):
        return ()
    return (el.context(_question_line(view)),)


def _question_line(view: RunView) -> str:
    question = asked_text(view.inputs)
    if view.origin.visibility == "channel" or view.shared:
        return text.asked(view.actor.id, view.title, view.workflow, question)
    return text.you_asked(view.title, view.workflow, question)


def _mentions(view: RunView) -> frozenset[str]:
    ask = view.failure.facts.get("ask", "").split(",") if view.failure else []
    return frozenset({view.actor.id, *ask})


def _unfinished(view: RunView, now: datetime) -> tuple[str, tuple[Block, ...]]:
    if view.cancelling:
        return "stopping", (el.section(text.stopping()),)
    if view.waits_for is not None and view.again_at is not None:
        words = text.put_off(view.waits_for)
        lines = el.section(words), el.context(text.put_off_until(view.again_at))
        return words, (*lines, el.actions(_stop(view)))
    if view.status is RunStatus.QUEUED:
        words = text.queued(view.position, view.wait_s)
    elif view.status is RunStatus.WAITING:
        words = text.waiting_for_person()
    else:
        words = text.running(view.step_number, view.step_total, view.step_title, _seconds(view, now))
    return words, (el.section(words), el.actions(_stop(view)))


def _failed(view: RunView) -> tuple[str, tuple[Block, ...]]:
    from bot.slack.refusals import sentence

    failure = view.failure
    if failure is None:
        words = text.failed(text.opaque_failure(), "")
    else:
        why = sentence(failure.kind, {**failure.facts, "visibility": view.origin.visibility})
        words = text.failed(why, failure.token)
    again = [] if failure and is_closed(failure) else [_retry(view)]
    return words, (el.section(words), el.actions(*again, _explain(view)))


def _answered(view: RunView, answer: Answer, now: datetime, names: Names) -> tuple[str, tuple[Block, ...]]:
    shared = [el.context(text.shared_already())] if view.shared else []
    if view.is_escalated:
        asker = view.actor.id if view.origin.visibility == "channel" or view.shared else ""
        shared = [*shared, el.context(escalation_text.asked_note(asker))]
    can_ask = answer.abstained and not view.is_escalated
    buttons = [
        *([_ask(view, answer, names)] if can_ask else []),
        _explain(view),
        *([_share(view)] if _can_share(view, answer) else []),
    ]
    ending = (_receipt(view, answer, now), *shared, _votes(view), el.actions(*buttons))
    return answer.text.replace("**", ""), (*_what_it_says(answer, now, names), *ending)


def renewed_answer(view: RunView, *, now: datetime, names: Names | None = None) -> tuple[Block, ...]:
    """An answer as it stands in its own message, for a message that says why it comes."""
    answer = view.answer
    if answer is None:
        raise ValueError("a run without an answer is never sent on")
    said = _what_it_says(answer, now, names or {})
    return (*said, _receipt(view, answer, now), _votes(view), el.actions(_explain(view)))


def _what_it_says(answer: Answer, now: datetime, names: Names) -> tuple[Block, ...]:
    if answer.abstained:
        body = (
            el.section(text.no_answer_heading()),
            *_answer_blocks(answer),
            *_related(answer, now, names),
        )
    else:
        body = (*_answer_blocks(answer), *_sources(answer.citations, now, names))
    if not answer.notes:
        return body
    notes = (f":information_source: {el.escape(note)}" for note in answer.notes)
    return (*body, el.context(*notes))


def _answer_blocks(answer: Answer) -> list[Block]:
    whole = answer.text.strip()
    if not whole:
        return [el.section("_The answer is empty._")]
    if len(whole) <= ANSWER_CHARACTERS:
        return rich_text(whole)
    return [
        *rich_text(whole[:ANSWER_CHARACTERS] + "…"),
        el.context("_Cut here; all of it is under *Explain*._"),
    ]


def _sources(citations: Sequence[Citation], now: datetime, names: Names) -> tuple[Block, ...]:
    if not citations:
        return ()
    lines = [_source(marks, passage, now, names) for marks, passage in by_place(citations)[:SOURCES]]
    return (el.context(text.sources_heading(), *lines),)


def _source(marks: str, passage: Passage, now: datetime, names: Names) -> str:
    path = [passage.title, *(heading for heading in passage.headings if heading != passage.title)]
    owner = names.get(passage.owner, passage.owner)
    return text.source(marks, path, owner, text.age(passage.updated_at, now), passage.version)


def _related(answer: Answer, now: datetime, names: Names) -> tuple[Block, ...]:
    looked = el.context(text.searched(answer.searched, answer.support))
    if not answer.citations:
        return (looked,)
    near = [
        f"{_source(marks, passage, now, names)}\n{text.quote_document(passage.text)}"
        for marks, passage in by_place(answer.citations)[:3]
    ]
    return (looked, el.context(text.related_heading(), *near))


def receipt_words(view: RunView, answer: Answer, now: datetime) -> str:
    """What produced the answer: version, rule, model, seconds, cost and run, in mrkdwn."""
    because = f" ({answer.rule})" if answer.rule else ""
    parts = (
        f"{view.title} v{view.version}{text.on_candidate(view.label)}",
        f"rule: {answer.outcome}{because}" if answer.outcome else "",
        f"model {answer.model}" if answer.model else "no model used",
        text.elapsed(_seconds(view, now)),
        cost(view.usage.cost_usd if view.usage else Decimal(0), is_priced=view.is_priced),
        f"run {view.id}",
    )
    return text.receipt(parts)


def _receipt(view: RunView, answer: Answer, now: datetime) -> Block:
    return el.context(receipt_words(view, answer, now))


def _seconds(view: RunView, now: datetime) -> float:
    end = view.finished_at or now
    return (end - (view.started_at or view.created_at)).total_seconds()


def _is_open(view: RunView) -> bool:
    return view.finished_at is None and not view.cancelling


def _can_share(view: RunView, answer: Answer) -> bool:
    """Only a private answer that came from a channel has somewhere to be shared to."""
    came_from_channel = view.origin.channel_id.startswith(("C", "G"))
    return view.origin.visibility == "private" and came_from_channel and not (view.shared or answer.abstained)


def _votes(view: RunView) -> Block:
    return el.votes(VOTE, view.id, "This answer helped", "This answer did not help")


def _stop(view: RunView) -> Block:
    return el.button("Cancel", CANCEL, view.id, about=f"Cancel {view.title}")


def _retry(view: RunView) -> Block:
    return el.button("Try again", RETRY, view.id, about=f"Run {view.title} again")


def _explain(view: RunView) -> Block:
    return el.button("Explain", EXPLAIN, view.id, about="How this answer came about")


def _ask(view: RunView, answer: Answer, names: Names) -> Block:
    """Named after the owner of the nearest page, who is the likeliest to be asked."""
    owner = next((each for each in near_owners(answer) if each != view.actor.id), "")
    name = names.get(owner, "")
    return el.confirming(
        el.button(escalation_text.ask(name), ASK, view.id, about="Hand this question to a person"),
        title=escalation_text.ask_title(),
        text=escalation_text.ask_consent(name),
        yes="Ask",
        no="Not now",
    )


def _share(view: RunView) -> Block:
    return el.confirming(
        el.button("Share to channel", SHARE, view.id),
        title="Share this answer?",
        text="Everyone in the channel it was asked in will read your question and the answer.",
        yes="Share",
        no="Keep private",
    )
