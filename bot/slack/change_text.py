"""Sentences about change requests. Values are escaped here."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from bot.governance.changes import ChangeStatus, Target
from bot.services.change_views import ChangeView, Tested
from bot.slack.elements import escape, is_person, mention, moment, naming, one_line, shorten, who
from bot.slack.text import dollars, elapsed

OPEN_REASON = "What should be different?"
TITLES: Mapping[str, str] = {
    "ask": "Request changes",
    "reject": "Reject the change",
    "override": "Approve all the same",
}
"""Of the forms that ask for a reason; Slack allows 24 characters."""

LABELS: Mapping[str, str] = {
    "ask": "What should be different?",
    "reject": "Why not?",
    "override": "Why is it right all the same?",
}

_STATES: Mapping[ChangeStatus, str] = {
    ChangeStatus.OPEN: ":hourglass: Waiting to be tested",
    ChangeStatus.TESTING: ":hourglass_flowing_sand: Its cases are running",
    ChangeStatus.IN_REVIEW: ":eyes: Waiting for approval",
    ChangeStatus.REVISING: ":pencil2: Sent back to its author",
    ChangeStatus.APPROVED: ":white_check_mark: Approved, being put in force",
    ChangeStatus.APPLIED: ":white_check_mark: In force",
    ChangeStatus.REJECTED: ":no_entry_sign: Rejected",
    ChangeStatus.WITHDRAWN: ":no_entry_sign: Withdrawn",
    ChangeStatus.STALE: ":warning: Out of date",
    ChangeStatus.EXPIRED: ":no_entry_sign: Expired",
    ChangeStatus.UNDONE: ":leftwards_arrow_with_hook: Undone",
}

NOTES: Mapping[str, str] = {
    "approved": "{by} approved.",
    "overridden": "{by} approved although a case fails: {words}",
    "changes_requested": "{author}, {by} asks for changes: {words}",
    "rejected": "{author}, {by} rejected this: {words}",
    "withdrawn": "{by} withdrew this.",
    "revised": "{by} proposed other content. Approvals start again.",
    "rebased": "{by} proposed it again on today's version. Approvals start again.",
    "applied": "In force from the next run on.",
    "undone": "{by} put back what stood before.",
    "rolled_back": "{by} rolled back.",
    "stale": "{author}, what this stands on has moved. Look at it again and propose it on today's version.",
    "expired": "{author}, nobody decided in time, so this expired. Propose it again if it still matters.",
}
"""What the thread says of each step that it tells of."""


def state(status: ChangeStatus) -> str:
    """Where a change request stands, in three words."""
    return _STATES[status]


def about(target: Target, title: str) -> str:
    """What a change is about, in plain words."""
    name = escape(target.name)
    of = f" of *{escape(title)}*" if title else ""
    last = escape(target.name.rpartition(".")[2])
    return {
        "workflow": f"the workflow *{escape(title or target.name)}*",
        "prompt": f"the prompt *{last}*{of}",
        "parameters": f"the values{of or f' of *{name}*'}",
        "rules": f"the rules *{escape(target.name.partition('/')[2])}*{of}",
        "models": "the models",
        "document": f"the document *{escape(target.name.partition('/')[2])}* "
        f"in *{escape(target.name.partition('/')[0])}*",
        "grant": f"the role *{escape(target.name.split(':')[1] if ':' in target.name else name)}* "
        f"of {mention(target.name.partition(':')[0])}",
    }[target.kind]


def headline(view: ChangeView) -> str:
    """The first line of the message."""
    what = about(view.target, view.title)
    verb = "Rolled back" if view.is_rollback else _verb(view)
    return f"*{verb}* {what}" if view.is_rollback else f"*{verb}* {_joining(view)} {what}"


def _joining(view: ChangeView) -> str:
    return "to" if view.status is ChangeStatus.APPLIED else "for"


def _verb(view: ChangeView) -> str:
    return "Change" if view.status is ChangeStatus.APPLIED else "Change request"


def asked_by(view: ChangeView) -> str:
    """Who asked, when, and the id."""
    again = f" · round {view.round}" if view.round > 1 else ""
    verb = "Rolled back" if view.is_rollback else "Asked"
    return f"{verb} by {mention(view.author)} · {moment(view.created_at)}{again} · `{escape(view.id)}`"


def reason(words: str) -> str:
    """Why it was asked."""
    return f"&gt; {one_line(words, 600)}"


def nothing_shown() -> str:
    """Where only spaces or line ends differ."""
    return "_Only spaces or line ends differ._"


def trimmed() -> str:
    """Under a difference that is not shown whole."""
    return "_Only the changed parts are shown here._"


def result(tested: Tested, *, alone: bool) -> str:
    """What the cases of one workflow came to."""
    of = "" if alone else f" of `/{escape(tested.workflow)}`"
    failing = tested.newly_failing
    mark = ":x:" if failing else ":white_check_mark:"
    parts = [
        f"{mark} *{tested.passed_new} of {_cases(tested.judged)}*{of} pass, {tested.passed_old} did before"
        if tested.judged
        else f"{mark} No case{of} was judged"
    ]
    if failing:
        parts.append(f"newly failing: {_listed(failing)}")
    if tested.newly_passing:
        parts.append(f"newly passing: {_listed(tested.newly_passing)}")
    other = [case for case in tested.changed if case not in (*failing, *tested.newly_passing)]
    if other:
        parts.append(f"also answered otherwise: {_listed(other)}")
    return " · ".join(parts)


def cited(tested: Tested) -> str:
    """What a change of a document does to questions that were asked lately; empty when none cited it."""
    if not tested.cited:
        return ""
    asked = (
        f"*{tested.cited} recent {'question' if tested.cited == 1 else 'questions'}* "
        f"of `/{escape(tested.workflow)}` whose answer cited this document:"
    )
    if not tested.cited_changed:
        return f"{asked} each keeps its answer."
    count = len(tested.cited_changed)
    other = f"{count} would be answered otherwise ({_listed(tested.cited_changed)})"
    lost = f", {tested.cited_lost} of them not at all any more" if tested.cited_lost else ""
    return f"{asked} {other}{lost}."


def result_figures(tested: Tested) -> str:
    """Cost and time of both sides, and whether worse is more than noise."""
    parts = [_moved("cost", _dollars(tested.cost_old), _dollars(tested.cost_new))]
    if tested.p95_new is not None:
        old = elapsed(tested.p95_old) if tested.p95_old is not None else "none"
        parts.append(_moved("95 of 100 answers within", old, elapsed(tested.p95_new)))
    if tested.left_out:
        parts.append(f"{_cases(tested.left_out)} could not be judged")
    return f"{' · '.join(parts)}\n{escape(tested.statement)}"


def untested(view: ChangeView) -> str:
    """Why there is no result for some or all of it."""
    if view.token:
        return f":warning: The cases could not be run. Incident `{escape(view.token)}`."
    named = ", ".join(f"`/{escape(name)}`" for name in view.untested)
    if not named:
        return "Nothing to test: no workflow uses it."
    verb = "has" if len(view.untested) == 1 else "have"
    if view.target.kind == "document":
        return f"Nothing to test: {named} {verb} no cases, and no recent answer cited it."
    return f"Nothing to test: {named} {verb} no cases."


def approvals(view: ChangeView) -> str:
    """Approvals given and needed, and who may."""
    given = ", ".join(mention(each.person) for each in view.reviews if each.counts)
    counted = f"*{view.approvals_given} of {view.approvals_needed}* approvals"
    by = f" ({given})" if given else ""
    wanted = " Approving it needs a reason, because a case newly fails." if view.is_failing else ""
    if view.token:
        wanted = " Approving it needs a reason, because its cases could not be run."
    return f"{counted}{by}. {who_may(view)}{wanted} {expires(view.expires_at)}"


def who_may(view: ChangeView) -> str:
    """Who may approve, as far as it can be named."""
    able = [name for name in view.may_approve if name not in view.authors]
    said = holders(able)
    return f"{said} may approve." if said else "Nobody may approve yet: an admin gives the role “approver”."


def holders(names: Iterable[str]) -> str:
    """People and groups in words."""
    listed = list(names)
    people = [mention(name) for name in listed if is_person(name)]
    words = people[:5]
    if len(people) > 5:
        words.append(f"{len(people) - 5} others")
    if any(name.startswith("S") and not is_person(name) for name in listed):
        words.append("members of a user group with the role")
    if "everyone" in listed:
        words.append("everybody else")
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}" if words else ""


def expires(at: datetime) -> str:
    """Until when it can be decided."""
    return f"Open until {moment(at)}."


def outcome(view: ChangeView) -> str:
    """What came of it, or what holds it up."""
    why, by = view.why, mention(view.why.get("by", ""))
    if view.status is ChangeStatus.APPLIED:
        return _applied(view)
    if view.status is ChangeStatus.STALE:
        return stale(view)
    said = {
        "request_changes": f"{by} asks for changes: {one_line(why.get('note', ''), 600)}",
        "reject": f"Rejected by {by}: {one_line(why.get('note', ''), 600)}",
        "withdrawn": f"Withdrawn by {by}. Nothing was changed.",
        "expired": "Nobody decided in time. Nothing was changed.",
        "undone": f"{by} put back what stood before: {_version(str(view.previous_number or 0))}.",
        "rolled_back": f"{by} rolled back to an earlier version.",
        "rebased": f"Based on version {why.get('to')} now instead of {why.get('from')}: what came in between "
        "and is not part of this shows as struck through.",
    }
    return said.get(why.get("reason", ""), "")


def stale(view: ChangeView) -> str:
    """What moved under a change request."""
    why = view.why
    if why.get("reason") == "gone":
        return "What it would change is no longer there."
    if why.get("reason") == "unfit":
        return f"It no longer fits what is around it: {one_line(why.get('problems', ''), 600)}"
    return (
        f"{_by_whom(why)} moved it {_versions(why)}{_when(why)}, and this was made from "
        f"{_version(why.get('from', ''))}. Nothing was changed."
    )


def _applied(view: ChangeView) -> str:
    approved = ", ".join(mention(each.person) for each in view.reviews if each.verdict == "approve")
    by = f" Approved by {approved}." if approved else ""
    over = next((each for each in view.reviews if each.is_override), None)
    because = f" Reason given: {one_line(over.reason, 400)}" if over else ""
    if view.target.kind in ("document", "grant"):
        return f"In force since {moment(view.updated_at)}.{by}{because}"
    numbers = {"from": str(view.previous_number or 0), "to": str(view.applied_number or 0)}
    return f"Moved {_versions(numbers)} · {moment(view.updated_at)}.{by}{because}"


def event_note(event: str, *, by: str, author: str, words: str) -> str:
    """One line in the thread."""
    return NOTES[event].format(by=mention(by), author=mention(author), words=one_line(words, 900))


def counted(view: ChangeView) -> str:
    """To an approver whose approval was not the last one needed."""
    left = view.approvals_needed - view.approvals_given
    return f"Counted. {left} more {'approval is' if left == 1 else 'approvals are'} needed."


def went_stale() -> str:
    """To an approver who pressed on what has moved."""
    return ":warning: Not applied: what it stands on has moved. The message says by whom and when."


def needs_override(cases: str) -> str:
    """Above the form that asks why a failing change is right."""
    named = ", ".join(f"`{escape(case)}`" for case in cases.split(", ") if case)
    failing = f"With this change a case that passes today fails: {named}." if named else ""
    return (
        f":warning: {failing or 'The cases of this change could not be run.'} Your reason is kept for ever."
    )


def none_open() -> str:
    """An empty list."""
    return "No change request is open that you may propose, approve or roll back."


def line(view: ChangeView) -> str:
    """One change request in a list."""
    return (
        f"{state(view.status)} · *{about(view.target, view.title).replace('*', '')}*\n"
        f"{naming(shorten(view.effect, 200), view.target.name.partition(':')[0])}\n{asked_by(view)}"
    )


def rolled_back(view: ChangeView) -> str:
    """To whoever rolled back."""
    numbers = {"from": str(view.previous_number or 0), "to": str(view.applied_number or 0)}
    what = about(view.target, view.title)
    return f":leftwards_arrow_with_hook: Rolled back {what} {_versions(numbers)}, from the next run on."


def how_to_roll_back() -> str:
    """The command without a name."""
    return (
        "Say which workflow: `/spanwise rollback ask-policy`. "
        "`/spanwise history ask-policy` shows its versions."
    )


def how_to_see_history() -> str:
    """The command without a name."""
    return "Say which workflow or prompt: `/spanwise history ask-policy`."


def version_line(number: int, author: str, moved: str, *, is_live: bool) -> str:
    """One version in a history."""
    live = " · *in force*" if is_live else ""
    return f"*Version {number}*{live} · written by {who(author)}\n{moved}"


def moved_line(action: str, by: str, at: datetime, change: str) -> str:
    """One time that a version was put in force."""
    verb = "back in force" if action.endswith("rolled_back") else "in force"
    through = f" by `{escape(change)}`" if change else ""
    return f"{verb} {moment(at)}, {who(by)}{through}"


def as_filed() -> str:
    """Above the versions, where none of them is in force."""
    return "*What the file says* · *in force*"


def never_live() -> str:
    """A version that was never in force."""
    return "never in force"


def how_to_revise() -> str:
    """Where no form holds the text."""
    return "Propose it again with what was asked for: that is the next round of this request, in this thread."


def left_open() -> str:
    """Where only a worker can go on."""
    return "Being put in force; this takes a moment."


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return ", ".join(f"`{escape(name)}`" for name in found[:5]) + more


def _dollars(amount: Decimal) -> str:
    return dollars(amount)


def _moved(what: str, old: str, new: str) -> str:
    return f"{what} {new}" if old == new else f"{what} {new}, was {old}"


def _by_whom(why: Mapping[str, str]) -> str:
    by = why.get("by", "")
    return who(by)


def _when(why: Mapping[str, str]) -> str:
    return f" on {moment(datetime.fromisoformat(why['at']))}" if why.get("at") else ""


def _versions(why: Mapping[str, str]) -> str:
    return f"from {_version(why.get('from', ''))} to {_version(why.get('to', ''))}"


def _version(number: str) -> str:
    return f"version {escape(number)}" if number not in ("", "0") else "what the file says"
