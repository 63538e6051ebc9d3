"""Every sentence of the weekly digest around its findings, and of its settings."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from bot.governance.changes import ChangeStatus
from bot.quality import digest_words as said
from bot.quality.digest import Digest, Effect, FollowUp, ForecastLine, TopicLine, WeekLine, biggest_mover
from bot.quality.digest_findings import Act
from bot.quality.digest_request import WEEKDAYS
from bot.quality.digest_slots import IsoWeek
from bot.quality.figures import counted, dollars, percent
from bot.services.digesting import DigestView
from bot.slack.elements import escape, mention, moment, one_line

SHOWN_LINES = 10
"""Workflows with a line of their own."""
EXAMPLES = 3

FINDINGS, TOPICS, DOCUMENTS = "What to do about it", "What people asked", "Documents"
HOW_TO = (
    "`/spanwise digest` shows when yours comes. `here` or `#channel` after it has one come to a channel, "
    "`monday 09:00 Europe/London` says when, `off` ends it, `now` shows the last whole week to you only."
)
SHOW_FURTHER = "Show them"
FORGOTTEN = "This digest was deleted, as the retention of its workflows asks."


def days(week: str) -> str:
    """`16 to 22 November 2026`."""
    first = IsoWeek.of(week).monday
    last = first + timedelta(days=6)
    return f"{_day(first, last)} to {last.day} {last:%B} {last.year}"


def _day(first: date, last: date) -> str:
    if first.year != last.year:
        return f"{first.day} {first:%B} {first.year}"
    return f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"


def title(digest: Digest) -> str:
    """At the top; plain text."""
    number = IsoWeek.of(digest.week).number
    return f"Week {number}: {days(digest.week)}"


def plain(digest: Digest) -> str:
    """For notifications and screen readers."""
    if digest.is_quiet:
        return f"A quiet week: {days(digest.week)}"
    return f"Your week, {days(digest.week)}: {said.runs_line(digest.total)}"


def quiet(digest: Digest, next_line: str) -> str:
    """A week with next to nothing in it, in two lines."""
    now = digest.total.now
    if not now.runs:
        what = "nobody ran any of your workflows" if not digest.is_public else "nobody ran a workflow"
        first = f"*A quiet week* ({days(digest.week)}): {what}."
    else:
        how = ", ".join(said.endings(now))
        first = (
            f"*A quiet week* ({days(digest.week)}): {counted(now.runs, 'run')} by "
            f"{counted(now.people, 'person', 'people')}, {how}; {dollars(now.cost_usd)}."
        )
    return f"{first}\nNothing needs you. {next_line}"


def numbers(digest: Digest) -> str:
    """All workflows together, a line each for runs, endings, votes, time and cost."""
    total, lines = digest.total, digest.workflows
    mover = biggest_mover(lines) if len(lines) > 1 else None
    told = mover if said.explains(total, mover) else None
    where = f"*{escape(told.title)}*" if told else ""
    rows = [
        f"*Runs* {said.runs_line(total)}",
        f"*How they ended* {' · '.join(said.endings(total.now)) or 'nothing ran'}",
        f"*Votes* {said.liked(total.now, total.before)}",
        f"*Time* {said.time(total.now, total.before)}",
        f"*Cost* {said.cost(total, told, where)}",
    ]
    return "\n".join(rows)


def only_failures(digest: Digest) -> str:
    """Above the numbers of a week in which nothing came to an answer."""
    now = digest.total.now
    return (
        f":rotating_light: *No run came to an answer this week*: {now.failed:,} of {now.runs:,} failed. "
        "Why is below; people were told each time that it was not their fault."
    )


def workflow_lines(digest: Digest) -> str:
    """Each workflow on a line; empty where there is only one."""
    lines = digest.workflows
    if len(lines) + digest.silent < 2:
        return ""
    shown, rest = lines[:SHOWN_LINES], lines[SHOWN_LINES:]
    rows = [workflow_line(each) for each in shown]
    if rest:
        runs = sum(each.now.runs for each in rest)
        spent = sum((each.now.cost_usd for each in rest), start=rest[0].now.cost_usd * 0)
        rows.append(f"and {len(rest)} more: {counted(runs, 'run')}, {dollars(spent)}")
    if digest.silent:
        rows.append(f"_{counted(digest.silent, 'workflow')} did not run._")
    return "\n".join(rows)


def workflow_line(line: WeekLine) -> str:
    """One workflow in short."""
    now, before = line.now, line.before
    parts = [f"{counted(now.runs, 'run')}{said.in_short(now.runs, before.runs)}"]
    if now.runs:
        parts.append(f"{percent(now.answered / now.runs)} answered")
    if now.failed:
        parts.append(f"{now.failed:,} failed")
    if now.satisfaction is not None:
        parts.append(
            f"{percent(now.satisfaction.share)} of {counted(now.votes_up + now.votes_down, 'vote')} up"
        )
    money = dollars(now.cost_usd)
    change = said.moved(now.cost_usd, before.cost_usd)
    parts.append(f"{money} ({change})" if change else money)
    return f"*{escape(line.title)}* {' · '.join(parts)}"


def topics(lines: Sequence[TopicLine]) -> str:
    """What people asked, with examples."""
    rows = [f"*{TOPICS}*"]
    for each in lines:
        more = f", {said.more_or_less(each.questions, each.before)}" if each.before else ""
        gap = f", {each.uncovered:,} without an answer" if each.uncovered else ""
        rows.append(f"• *{one_line(each.label, 90)}* {counted(each.questions, 'question')}{more}{gap}")
        if each.examples:
            rows.append(" · ".join(f"“{one_line(example, 90)}”" for example in each.examples[:EXAMPLES]))
    return "\n".join(rows)


def documents(digest: Digest) -> str:
    """What answers stood on, and what none did."""
    used = ", ".join(f"{one_line(each.title, 60)} ({each.answers:,})" for each in digest.used)
    rows = [f"*{DOCUMENTS}* most used: {used}."] if used else []
    if digest.unused:
        named = ", ".join(one_line(each, 60) for each in digest.unused)
        more = digest.unused_count - len(digest.unused)
        rows.append(f"Never used: {named}{f' and {more} more' if more else ''}.")
    return "\n".join(rows)


def forecasts(lines: Iterable[ForecastLine]) -> str:
    """What the month will have cost."""
    rows = []
    for each in lines:
        whose = f"*{escape(each.title)}*" if each.title else "All together"
        limit = f", the limit is {dollars(each.limit)}" if each.limit is not None else ""
        rows.append(
            f"{whose}: {dollars(each.spent)} so far this month, about {dollars(each.expected)} at its end "
            f"(between {dollars(each.low)} and {dollars(each.high)}){limit}."
        )
    return "\n".join(["*To the end of the month*", *rows])


def follow_up(each: FollowUp, about: str) -> str:
    """What somebody did, and what came of it. `about` names the finding."""
    who, done = mention(each.by), _DONE[each.act]
    first = f"• {who} {done.format(result=_result(each))} {about}"
    return f"{first}: {_outcome(each)}"


_DONE: Mapping[Act, str] = {
    Act.FIX: "took on to fix",
    Act.CASE: "added the case {result} for",
    Act.KNOWLEDGE: "wrote knowledge for",
    Act.ASSIGN: "gave {result}",
    Act.DISMISS: "set aside",
}


def _result(each: FollowUp) -> str:
    if each.act is Act.ASSIGN and not each.state:
        return mention(each.result)
    return f"`{escape(each.result)}`" if each.act is Act.CASE else "it to a colleague:"


def _outcome(each: FollowUp) -> str:
    change = f"`{escape(each.result)}`"
    if not each.state:
        return "every change is tested against it now" if each.act is Act.CASE else "nothing is proposed yet"
    if each.state != ChangeStatus.APPLIED:
        return f"change {change} is {_STATES.get(each.state, escape(each.state))}"
    since = effect(each.before, each.after)
    return (
        f"change {change} is live; {since}" if since else f"change {change} is live since less than an hour"
    )


_STATES: Mapping[str, str] = {
    ChangeStatus.OPEN: "waiting for its tests",
    ChangeStatus.TESTING: "being tested",
    ChangeStatus.IN_REVIEW: "in review",
    ChangeStatus.REVISING: "back with its author",
    ChangeStatus.APPROVED: "approved",
    ChangeStatus.REJECTED: "rejected",
    ChangeStatus.WITHDRAWN: "withdrawn",
    ChangeStatus.STALE: "stale: what it was made from has moved",
    ChangeStatus.EXPIRED: "expired",
    ChangeStatus.UNDONE: "undone",
}


def effect(before: Effect | None, after: Effect | None) -> str:
    """Score and cost before and since; empty where nothing can be told."""
    if after is None:
        return ""
    if not after.runs:
        return "nobody asked since"
    parts = []
    if after.satisfaction is not None:
        old = before.satisfaction if before else None
        then = f"{percent(old.share)} → " if old is not None else ""
        parts.append(f"votes up {then}{percent(after.satisfaction.share)}")
    if after.per_run_usd is not None:
        then = f"{dollars(before.per_run_usd)} → " if before and before.per_run_usd is not None else ""
        parts.append(f"cost of a run {then}{dollars(after.per_run_usd)}")
    votes = after.votes_up + after.votes_down
    parts.append(f"over {counted(after.runs, 'run')} and {counted(votes, 'vote')} since")
    return ", ".join(parts)


def followed() -> str:
    """Above what last week's actions did."""
    return "*What came of last week's actions*"


def left_out(count: int) -> str:
    """Below the findings that fit."""
    return f"{counted(count, 'more finding')} of less weight."


def show_further(count: int) -> str:
    """What the button does, for who hears it."""
    return f"{SHOW_FURTHER}: {counted(count, 'finding')} of less weight, in the thread"


def further(count: int) -> str:
    """Above them."""
    return f"{counted(count, 'finding')} of less weight"


def unlisted(count: int) -> str:
    """Below them, when there are very many."""
    return f"{counted(count, 'more finding')} are not listed. Those that stay come with the next digest."


def further_told() -> str:
    """To whoever asked for them."""
    return "The other findings stand in the thread of the digest, with the same buttons."


def moved_here(channel: str) -> str:
    """A channel's digest that stands with a person."""
    return (
        f":warning: This digest was for <#{channel}>, which is archived, closed to me or without me as a "
        f"member. Invite me there again, or end it with `/spanwise digest <#{channel}> off`."
    )


def trouble(why: str, place: str, token: str) -> str:
    """To whoever a digest was due to."""
    whose = f"for <#{place}>" if place[:1] in "CG" else "of your workflows"
    if why == "rights":
        return (
            f"The weekly digest {whose} has ended: you may not see the runs of its workflows any more. "
            "Somebody who may sets it up again with `/spanwise digest`."
        )
    return (
        f"The weekly digest {whose} could not be made after several tries. `/spanwise digest now` tries "
        f"once more; an admin can see why with the incident token `{escape(token)}`."
    )


def being_made(link: str) -> str:
    """After `/spanwise digest now`."""
    where = f"<{link}|your direct messages with me>" if link else "your direct messages with me"
    return f"I am putting the last whole week together; it comes to {where} in a moment, for you only."


def setting(view: DigestView) -> str:
    """One digest: where, when, about what."""
    kept = view.subscription
    where = f"<#{kept.recipient}>" if kept.recipient[:1] in "CG" else "*Your digest*"
    if view.next_at is None:
        return f"{where} is off."
    named = ", ".join(f"`/{escape(name)}`" for name in view.workflows[:8])
    more = f" and {len(view.workflows) - 8} more" if len(view.workflows) > 8 else ""
    about = f"about {named}{more}" if kept.workflows else f"about {counted(len(view.workflows), 'workflow')}"
    return f"{where}: {hour(view)}, {about}. Next {moment(view.next_at)}."


def hour(view: DigestView) -> str:
    """`every Monday at 09:00 (Europe/London)`."""
    schedule = view.subscription.schedule
    day = WEEKDAYS[schedule.weekday].capitalize()
    return f"every {day} at {schedule.minute // 60:02}:{schedule.minute % 60:02} ({escape(schedule.zone)})"


def is_set(view: DigestView) -> str:
    """After it was set or switched."""
    return f"Done. {setting(view)}"


def none_yet(*, may_have: bool) -> str:
    """For somebody who gets none."""
    if may_have:
        return "You get no digest. `/spanwise digest on` has one come every Monday at 09:00 where you are."
    return "You get no digest: you see the runs of no workflow. Its owner can have one come to a channel."


def preview(digest: Digest) -> str:
    """Above a preview."""
    whose = f"of <#{digest.recipient}>" if digest.is_public else "of yours"
    return f"A preview {whose}: only you see it, and the digest itself comes at its time all the same."


def footer(zone: str) -> str:
    """In which time zone the week was counted, and where to change what comes."""
    return (
        f"From Monday to Sunday, in the time zone {escape(zone)} · `/spanwise digest` shows and changes "
        "when and where it comes"
    )


DID: Mapping[Act, str] = {
    Act.FIX: "took on to fix it",
    Act.CASE: "added a case",
    Act.KNOWLEDGE: "wrote knowledge",
    Act.ASSIGN: "gave it away",
    Act.DISMISS: "set it aside",
}
"""What somebody did about a finding."""


def was_decided(act: str, by: str) -> str:
    """To who presses a button of something settled."""
    did = next((words for each, words in DID.items() if each.value == act), "settled it")
    who = mention(by) if by else "Somebody"
    return f"{who} {did} already. *Let it wait again* below the finding takes that back."
