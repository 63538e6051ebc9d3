"""Every sentence around evaluations, golden cases and replays. Values are escaped here."""

from collections.abc import Iterable

from bot.quality.evaluation import EvaluationReport, ReportRow, Standing, Trial
from bot.services.evaluation_requests import EvaluationView
from bot.services.replaying import VersionMove
from bot.slack.elements import escape, mention, one_line
from bot.slack.text import dollars, elapsed

STOP, SHOW, RETIRE = "Stop", "Show every case", "Retire"
"""Buttons."""
DETAILS_TITLE, REPLAY_TITLE = "What was tried", "Then and now"

BEFORE, NOW = "Before", "Now"
PASSING, WORSE, BETTER = "Cases passing", "Newly failing", "Newly passing"
COST, SLOWEST = "Cost of the answers", "95 of 100 answered within"
NOTHING = "–"

USAGE_EVALUATE = (
    "Say which workflow: `/spanwise evaluate ask-policy`. With `candidate` behind it, what a pilot tries out "
    "is compared with production."
)
USAGE_CASES = "Say which workflow: `/spanwise cases ask-policy`."
USAGE_REPLAY = "Say which run: `/spanwise replay r_…`. `/spanwise status` lists yours with their ids."

GONE = "This evaluation is no longer on record."

KINDS = {
    "workflow": "workflow",
    "prompt": "prompt",
    "parameters": "parameters of",
    "rules": "rules",
    "models": "model profiles",
    "knowledge": "collection",
}
"""Kinds of content as people call them."""

EXPECTED = {
    "outcome": "ends as",
    "exact": "is exactly",
    "must_contain": "contains",
    "must_not_contain": "does not contain",
    "pattern": "fits",
    "schema": "keeps the schema",
    "must_cite": "cites",
    "grounded": "is carried by what it cites:",
    "must_abstain": "says that it is not covered:",
    "similar_to": "says as much as",
    "max_seconds": "takes at most these seconds:",
    "max_cost": "costs at most these dollars:",
    "rubric": "is judged by",
    "label": "is sorted as",
    "fields": "finds",
}
"""Keys of `expect` as people read them."""

STANDINGS = {
    Standing.PASSED: ":white_check_mark: passes",
    Standing.FAILED: ":x: fails",
    Standing.UNJUDGED: ":grey_question: not judged",
    Standing.SKIPPED: ":fast_forward: skipped",
    Standing.NOT_RUN: ":double_vertical_bar: not run",
}


def waiting(view: EvaluationView) -> str:
    """Nobody has taken it up."""
    return f":hourglass: The cases of *{escape(view.title)}* will be tried in a moment."


def running(view: EvaluationView) -> str:
    """How far it is."""
    far = f": {view.done} of {view.total} done" if view.total else ""
    return f":hourglass_flowing_sand: Trying the cases of *{escape(view.title)}*{far}."


def stopped(view: EvaluationView) -> str:
    """Cut short by a person."""
    return f":octagonal_sign: Trying the cases of *{escape(view.title)}* was stopped."


def failed(view: EvaluationView, why: str, token: str) -> str:
    """It could not be carried out."""
    incident = f" Incident `{escape(token)}`." if token else ""
    return f":warning: The cases of *{escape(view.title)}* could not be tried. {why}{incident}"


def heading(report: EvaluationReport, title: str) -> str:
    """What came of it, in one line."""
    is_bad = report.is_failing if report.has_two_sides else bool(report.failing)
    mark = ":x:" if is_bad else ":white_check_mark:"
    if not report.golden:
        return (
            f":grey_question: *{escape(title)}* has no golden cases yet. Add one from `/spanwise triage`, "
            "or write a file of cases beside the workflow."
        )
    if not report.judged:
        return f":grey_question: No case of *{escape(title)}* could be judged."
    cases = "case passes" if report.judged == 1 else "cases pass"
    before = f", {report.passed_old} before" if report.has_two_sides else ""
    return f"{mark} *{escape(title)}*: {report.passed} of {report.judged} {cases}{before}."


def who(view: EvaluationView) -> str:
    """Who asked, and the id."""
    return f"Asked by {mention(view.asked_by)} · evaluation `{escape(view.id)}`"


def spent(report: EvaluationReport) -> str:
    """What it cost altogether."""
    judging = f", {dollars(report.judge_cost_usd)} of it for judging" if report.judge_cost_usd else ""
    seconds = (report.finished_at - report.created_at).total_seconds()
    return f"Took {elapsed(seconds)} and {dollars(report.cost_usd)}{judging}."


def listed(title: str, rows: Iterable[ReportRow], limit: int = 8) -> str:
    """Some cases with what is wrong with each; "" without any."""
    found = list(rows)
    lines = [f"• `{escape(row.id)}` {why(row.new)}".rstrip() for row in found[:limit]]
    more = [f"• and {len(found) - limit} more"] if len(found) > limit else []
    return "\n".join([f"*{title}*", *lines, *more]) if found else ""


def why(trial: Trial) -> str:
    """Why a trial came out as it did: what failed, else what is to be said of it."""
    wrong = [score for score in trial.scores if score.passed is False]
    open_ = [score for score in trial.scores if score.passed is None]
    said = " ".join(score.reason for score in wrong or open_)
    return one_line(trial.note or said, 400)


def voted_down(report: EvaluationReport) -> str:
    """What became of answers that people voted down; "" when none was tried."""
    rows = [row for row in report.thumbs_down if row.new.was_run]
    if not rows:
        return ""
    changed = sum(score.name == "changed" and score.value == 1 for row in rows for score in row.new.scores)
    corrected = [row for row in rows if any(score.name == "correction" for score in row.new.scores)]
    met = sum(row.new.standing is Standing.PASSED for row in corrected)
    said = f"Of {len(rows)} answers voted down, {changed} came out otherwise than when they were voted down"
    also = f"; {met} of {len(corrected)} now say what people asked for" if corrected else ""
    return f"{said}{also}."


def row_line(row: ReportRow) -> str:
    """One case in the list of all."""
    said = {"thumbs-down": "Voted down: run ", "cited": "Asked before: run "}.get(row.source, "")
    name = f"{said}`{escape(row.id)}`"
    now = STANDINGS[row.new.standing]
    if row.old is None or row.old.standing is row.new.standing:
        return f"{name} {now}"
    return f"{name} {now}, before: {STANDINGS[row.old.standing]}"


def reasons(trial: Trial) -> str:
    """Every reason of one trial."""
    said = [one_line(each, 300) for each in (trial.note, *(score.reason for score in trial.scores)) if each]
    return "\n".join(f"• {each}" for each in said) or "Nothing was judged."


def answers(row: ReportRow) -> str:
    """The answer on each side, where everybody may read it."""
    sides = [("before", row.old), ("now", row.new)] if row.old else [("now", row.new)]
    shown = [(name, trial.answer) for name, trial in sides if trial and trial.answer]
    if len(shown) == 2 and shown[0][1] == shown[1][1]:
        shown = [("before and now", shown[1][1])]
    return "\n".join(f"_{name}_: {one_line(text, 500)}" for name, text in shown)


def not_all(shown: int, total: int) -> str:
    """The list was cut."""
    return f"The first {shown} of {total}, those that fail first. `python -m bot evaluate` lists them all."


def asked(title: str) -> str:
    """Right after the command."""
    return f"I try the cases of *{escape(title)}* and tell you in our direct messages what comes of it."


def cases_heading(title: str, count: int, page: int, pages: int) -> str:
    """Above a list of cases."""
    part = f", page {page} of {pages}" if pages > 1 else ""
    return f"*{escape(title)}* is held to {count} case{'' if count == 1 else 's'}{part}."


def no_cases(title: str) -> str:
    """Nothing to list."""
    return (
        f"*{escape(title)}* has no golden cases yet. Press *Add case* in `/spanwise triage`, or write them "
        "in a file beside the workflow."
    )


def next_page(workflow: str, page: int) -> str:
    """How to see more."""
    return f"`/spanwise cases {escape(workflow)} {page}` shows the next ones."


def case_line(name: str, question: str, expected: Iterable[str], author: str, why_: str) -> str:
    """One case in a list."""
    source = f"added by {mention(author)}" if author else "from the workflow's file"
    reason = f" {one_line(why_, 150)}" if why_ else ""
    wants = "; ".join(expected)
    return f"`{escape(name)}` {one_line(question, 200)}\n{one_line(wants, 300)}\n_{source}_{reason}"


def retired(name: str) -> str:
    """After a case was retired."""
    return f"The case `{escape(name)}` is retired: nothing is held to it any more. It stays on record."


def stop_asked(was_running: bool) -> str:
    """After Stop."""
    return "Stopped." if was_running else "It has ended already."


def replaying(run_id: str) -> str:
    """Right after the command."""
    return f"I ask run `{escape(run_id)}` again with today's versions and show you both answers."


def then(version: int, when: str) -> str:
    """Above the old answer."""
    return f"*Then* – v{version}, {when}"


def today(version: int) -> str:
    """Above the new answer."""
    return f"*Now* – v{version}"


def verdict(*, same: bool, moved: Iterable[VersionMove]) -> str:
    """Whether the answers differ, and what has moved in between."""
    words = "Both say the same." if same else "The answers differ."
    listed_ = [move_line(move) for move in moved]
    between = "; ".join(listed_) if listed_ else "nothing: every version is the one of then"
    return f"{words} Changed in between: {between}."


def move_line(move: VersionMove) -> str:
    """One content at another version."""
    old = "not used" if move.old is None else f"v{move.old}"
    new = "not used" if move.new is None else f"v{move.new}"
    return f"{KINDS.get(move.kind, move.kind)} `{escape(move.name)}` {old} → {new}"


def nothing_kept(cost: str, seconds: float) -> str:
    """Under a replay."""
    return f"Asked again for you alone and kept nowhere. Took {elapsed(seconds)}, {cost}."


def no_answer(why_: str) -> str:
    """A side without an answer."""
    return f"_No answer._ {why_}"


def expected(expect: dict[str, object]) -> list[str]:
    """What a case expects, one phrase an expectation."""
    return [f"{EXPECTED[name]} {_value(value)}".strip() for name, value in expect.items()]


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(f"“{each}”" for each in value)
    if isinstance(value, dict) and "text" in value:
        return f"“{value['text']}”"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(part)}" for key, part in value.items() if key != "type")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "empty" if value is None else str(value)
