"""Every sentence a person reads from us, one named function each. Values are escaped here, nowhere else.

Sentences about errors are in `refusals`, beside the table that chooses them.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.quality.figures import dollars as dollars
from bot.quality.figures import elapsed as elapsed
from bot.slack.elements import escape, is_person, mention, moment, one_line
from workflows.run import Failure

AI_NOTICE = "AI-generated, check before use"
RUN_ON_THIS = "Run a workflow on this"
"""Name of the message shortcut; Slack allows 24 characters."""

UNTITLED_ASKER = "Somebody"
_MARKS = re.compile(r"\*\*|__|`|^\s*(?:#{1,6}|[-*+]|>)\s+", re.MULTILINE)
"""Emphasis, code marks, and what begins a heading, list item or quotation."""

ANSWER_PLACES = {
    "workflow": "As each workflow says",
    "private": "Only to me, in my direct messages",
    "channel": "In the channel where I ask",
}
"""Choices of the setting, by the value that is kept."""


def age(then: datetime, now: datetime) -> str:
    """How long ago something changed."""
    days = (now - then) // timedelta(days=1)
    if days < 1:
        return "updated today"
    if days == 1:
        return "updated yesterday"
    if days < 60:
        return f"updated {days} days ago"
    if days < 730:
        return f"updated {days // 30} months ago"
    return f"updated {days // 365} years ago"


def asked(person: str, title: str, command: str, question: str) -> str:
    """Who asked what: a slash command leaves no trace in the channel."""
    who = mention(person) if person else UNTITLED_ASKER
    what = f": “{one_line(question, 300)}”" if question else "."
    return f"{who} ran {_run_name(title, command)}{what}"


def you_asked(title: str, command: str, question: str) -> str:
    """As `asked`, to the person who did."""
    return (
        f"{_run_name(title, command)}: “{one_line(question, 300)}”" if question else _run_name(title, command)
    )


def _run_name(title: str, command: str) -> str:
    return f"*{escape(title)}* (`/{escape(command)}`)"


def working(title: str, where: str, position: int, wait_s: float | None = None) -> str:
    """At once after a command: taken, and where the answer will come."""
    if position <= 1 or wait_s == 0:
        waiting = ""
    else:
        start = f", so it starts in {about(wait_s)}" if wait_s else ""
        waiting = f" {position - 1:,} before it in the queue{start}."
    return f":hourglass_flowing_sand: Working on *{escape(title)}*.{waiting} {where}"


def where_private(link: str) -> str:
    """The answer goes to the direct message."""
    return f"The answer comes in {_direct_messages(link)}, where only you read it."


def where_here() -> str:
    """The answer goes to the channel or conversation the request came from."""
    return "The answer comes here."


def where_channel(link: str, *, is_joined: bool | None) -> str:
    """The answer is for the channel, which has it only where we are a member; None where nobody knows."""
    place = _direct_messages(link)
    if is_joined:
        return where_here()
    if is_joined is None:
        return f"The answer comes here, or in {place} if I am not in this channel."
    return (
        f"I am not in this channel, so the answer comes in {place}. "
        "To have it here, type `/invite` and choose me."
    )


def _direct_messages(link: str) -> str:
    return f"<{link}|your direct messages with me>" if link else "your direct messages with me"


def taken_already(title: str) -> str:
    """The same request was delivered twice."""
    return f"I have this request to *{escape(title)}* already; it runs once."


def queued(position: int, wait_s: float | None = None) -> str:
    """Waiting for a worker."""
    return f":hourglass: {in_line(position, wait_s)}"


def in_line(position: int, wait_s: float | None = None) -> str:
    """Where a run stands in the queue, and when it probably starts."""
    place = "Queued, next in line" if position <= 1 or wait_s == 0 else f"Queued, number {position:,} in line"
    return f"{place} · starts in {about(wait_s)}" if wait_s else place


def about(seconds: float) -> str:
    """A guess at a duration, no finer than guesses are."""
    if seconds < 7.5:
        return "a few seconds"
    if seconds < 55:
        return f"about {max(round(seconds / 10), 1) * 10} seconds"
    if seconds < 90:
        return "about a minute"
    if seconds < 5400:
        return f"about {round(seconds / 60)} minutes"
    return f"about {round(seconds / 3600)} hours"


def put_off(why: Failure) -> str:
    """Queued again, because no model answered."""
    model = f"the model “{escape(why.facts.get('alias', 'of this step'))}”"
    said = f"{model} does not answer just now"
    if why.kind == "ModelBusy":
        said = f"{model} has had as many calls as it may have in a minute"
    return f":hourglass: Queued again: {said}. Nothing is lost, and there is nothing for you to do."


def put_off_until(again_at: datetime) -> str:
    """When it goes on."""
    # shown without its seconds
    return f"I go on with it by {moment(again_at + timedelta(minutes=1))}, sooner if I can."


def running(number: int, total: int, title: str, seconds: float) -> str:
    """At which step."""
    if not number:
        return f":hourglass_flowing_sand: Starting · {elapsed(seconds)}"
    step = f"step {number} of {total}"
    return f":hourglass_flowing_sand: {step} – {escape(title)} · {elapsed(seconds)}"


def stopping() -> str:
    """A cancel is on its way."""
    return ":hourglass_flowing_sand: Stopping…"


def waiting_for_person() -> str:
    """The run waits for somebody's answer."""
    return ":pause_button: Waiting for a person's answer"


def cancelled(seconds: float) -> str:
    """Stopped on request."""
    return f":no_entry_sign: Cancelled after {elapsed(seconds)}. Nothing more will come of it."


def failed(sentence: str, token: str) -> str:
    """Why there is no answer, with the token that finds the log line."""
    incident = f" Incident `{escape(token)}`." if token else ""
    return f":warning: {sentence}{incident}"


def no_answer_heading() -> str:
    """Above an answer that says the knowledge is silent."""
    return ":mag: *Not covered by what I may read*"


def searched(collections: Iterable[str], support: float | None) -> str:
    """What was looked through without success."""
    named = ", ".join(f"“{escape(name)}”" for name in collections)
    sure = f" How well it supports an answer: {support:.0%}." if support is not None else ""
    return f"Searched: {named or 'the knowledge of this workflow'}.{sure}"


def related_heading() -> str:
    """Above passages that came near."""
    return "*May be related, but is not an answer:*"


def sources_heading() -> str:
    """Above the citations."""
    return "*Sources*"


def source(marks: str, path: Iterable[str], owner: str, changed: str, version: int) -> str:
    """One citation: title › heading, owner, age, version."""
    trail = " › ".join(escape(part) for part in path)
    by = f" · owner {escape(owner)}" if owner else " · no owner"
    return f"{marks} *{trail}*{by} · {changed} · v{version}"


def quote(text: str, limit: int = 280) -> str:
    """A passage, quoted: Slack reads the escaped sign at the start of a line as a quote."""
    return f"&gt; {one_line(text, limit)}"


def quote_document(markdown: str, limit: int = 280) -> str:
    """A passage of a document, quoted without its Markdown marks."""
    return quote(_MARKS.sub("", markdown), limit)


def receipt(parts: Iterable[str]) -> str:
    """What produced the answer, in small print."""
    return " · ".join([AI_NOTICE, *(escape(part) for part in parts if part)])


def on_candidate(label: str) -> str:
    """After the version of a run that a pilot served."""
    return " (pilot)" if label == "candidate" else ""


def shared_already() -> str:
    """On a private answer that now stands in the channel too."""
    return ":speech_balloon: Shared to the channel it was asked in."


def sharing(channel: str) -> str:
    """After Share was pressed."""
    return f":speech_balloon: The answer is on its way to <#{channel}>."


def shared_by(person: str) -> str:
    """Above a shared answer."""
    return f"{mention(person)} shared an answer."


def moved_here(channel: str) -> str:
    """An answer meant for a channel we may not post in."""
    place = f"<#{channel}>" if channel.startswith(("C", "G")) else "that conversation"
    return (
        f"I am not in {place}, so the answer is here. To have it there, type `/invite` there and choose me."
    )


def not_shared(channel: str) -> str:
    """A share into a channel we may not post in."""
    return (
        f"I could not share your answer: I am not in <#{channel}>. Type `/invite` there, then share it again."
    )


def thanks(changed: bool) -> str:
    """After a thumbs up, which is on record by then."""
    return "Noted: thumbs up. You changed your vote." if changed else "Noted: thumbs up. Thank you."


def cancel_asked() -> str:
    """After Cancel was pressed on a run at work."""
    return "Stopping it. A step that has begun at a provider may still be paid for."


def retried(title: str) -> str:
    """After Try again."""
    return f"Running *{escape(title)}* again."


def unknown_command(word: str, nearest: str) -> str:
    """Not one of ours."""
    guess = f" Did you mean `{escape(nearest)}`?" if nearest else ""
    return f"I do not know `{one_line(word, 60)}`.{guess} `/spanwise help` lists what you can run."


def nothing_to_run(ask: Iterable[str]) -> str:
    """A person without a role."""
    return f":lock: You have no workflow you may run yet. {ask_for_role(ask)}"


def ask_for_role(people: Iterable[str], role: str = "runner") -> str:
    """Whom to ask."""
    return f"Ask {one_of(people, 'an admin')} for the role “{role}”."


def one_of(people: Iterable[str], otherwise: str) -> str:
    """Those who can be asked, as mentions, three at most."""
    named = [mention(person) for person in people if is_person(person)]
    return " or ".join(named[:3]) or otherwise


def which_one() -> str:
    """Several workflows fit."""
    return "Which of these do you want? I will use your message as it stands."


def details_needed(title: str, problems: Iterable[str] = ()) -> str:
    """A message did not hold all that the workflow asks for, or something that it cannot take."""
    said = " ".join(map(escape, problems))
    if said:
        return f"*{escape(title)}* cannot take your message as it stands. {said}"
    return f"*{escape(title)}* needs a little more than your message says."


def form_expired(title: str, usage: str) -> str:
    """Slack gives three seconds to open a form."""
    typed = f" Or type it in one go: `{escape(usage)}`" if usage else ""
    return f"Slack let the form for *{escape(title)}* expire before it opened. Please try once more.{typed}"


def was_cut(label: str, length: int, limit: int) -> str:
    """Above a form whose text had to be shortened."""
    given, most = f"{length:,}".replace(",", " "), f"{limit:,}".replace(",", " ")
    return f":scissors: *{escape(label)}* had {given} characters, at most {most} fit: below is its start."


def input_problem(label: str, why: str) -> str:
    """Under a field of a form: the core says what is wrong, as `is needed`. Plain text, so not escaped."""
    return f"{label} {why}" if why.endswith("?") else f"{label} {why}."


def typed_problem(label: str, why: str, typed: str) -> str:
    """Above a form: what is wrong with a value that its field cannot hold, so that it stands nowhere else."""
    return f":warning: {escape(input_problem(label, why))} You typed “{one_line(typed, 150)}”."


def no_field_for(words: str) -> str:
    """Above a form: words of a command that fit none of its fields."""
    return f":warning: I could not tell which field “{one_line(words, 300)}” is for."


def forgotten() -> str:
    """None of the workflows offered."""
    return "All right. `/spanwise list` shows everything you can run."


def no_settings_change() -> str:
    """Settings closed as they were."""
    return "Your settings stay as they are."


def settings_saved(choice: str) -> str:
    """After the settings form."""
    return f"Saved: {escape(choice)}."


def status_line(title: str, state: str, run_id: str, when: str) -> str:
    """One run in a list."""
    return f"*{escape(title)}* · {escape(state)} · {when} · `{escape(run_id)}`"


def no_runs() -> str:
    """An empty list of runs."""
    return "You have not run anything yet. `/spanwise list` shows what you can run."


def nothing_to_cancel() -> str:
    """`/spanwise cancel` of somebody whose runs have all ended."""
    return "Nothing of yours is running or waiting, so there is nothing to cancel."


def greeting(name: str) -> str:
    """At the top of App Home."""
    return f"Hello {escape(name)}." if name else "Hello."


def what_i_am() -> str:
    """In App Home and help: said once, before anyone relies on it."""
    return (
        "I run your organisation's AI workflows. Answers name their sources, the version and the cost. "
        "They are AI-generated and can be wrong: check before use."
    )


def how_to_ask() -> str:
    """Ways in."""
    return (
        "Type a command below, mention me in a channel, write to me here, or use *Run a workflow on this* "
        "from the menu of any message. Reply in an answer's thread to ask further."
    )


def admin_hints() -> str:
    """For those who may give roles."""
    return (
        "You are an admin here. `python -m bot doctor` checks tokens, scopes, database and models; "
        "`python -m bot knowledge add` adds documents; `python -m bot settings` prints the settings."
    )


def opaque_failure() -> str:
    """A failure that we did not foresee."""
    return (
        "Something went wrong on our side. Try again; if it happens twice, give an admin the incident token."
    )
