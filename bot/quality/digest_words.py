"""Numbers of a week beside those of the week before, in words. Pure; knows no markup."""

from collections.abc import Mapping
from decimal import Decimal

from bot.quality.digest import Measures, WeekLine
from bot.quality.digest_cost import CostReason
from bot.quality.figures import counted, dollars, elapsed, percent
from bot.quality.tallies import Share

ALIKE = 0.02
"""A change of less than this share is none."""
BEFORE = "the week before"

_DEARER: Mapping[CostReason, tuple[str, str]] = {
    CostReason.RUNS: ("because it was asked more often", "because it was asked less often"),
    CostReason.CALLS: (
        "because a run makes more calls to models",
        "because a run makes fewer calls to models",
    ),
    CostReason.ANSWERS: ("because answers grew", "because answers got shorter"),
    CostReason.PROMPTS: ("because models are given more to read", "because models are given less to read"),
    CostReason.MIX: ("because dearer models answered", "because cheaper models answered"),
    CostReason.PRICE: ("because a model costs more", "because a model costs less"),
    CostReason.TESTS: ("because more was tested", "because less was tested"),
}
"""In a week that cost more, and in one that cost less."""


def runs_line(line: WeekLine) -> str:
    """How often it was asked, by how many, and how that compares."""
    now, before = line.now, line.before
    said = f"{counted(now.runs, 'run')} by {counted(now.people, 'person', 'people')}"
    return f"{said}, {more_or_less(now.runs, before.runs)}"


def more_or_less(now: float, before: float, more: str = "more", less: str = "less") -> str:
    """`12 % more than the week before`."""
    if not before:
        return f"none {BEFORE}" if now else f"as {BEFORE}"
    share = now / before - 1
    if abs(share) < ALIKE:
        return f"about as {BEFORE}"
    if share >= 2:
        return f"{now / before:.0f} times {BEFORE}'s"
    return f"{percent(abs(share))} {more if share > 0 else less} than {BEFORE}"


def in_short(now: float, before: float) -> str:
    """` (+12 %)`; empty where there was nothing before or nothing changed."""
    if not before or abs(now / before - 1) < ALIKE:
        return ""
    sign = "+" if now > before else "−"
    return f" ({sign}{percent(abs(now / before - 1))})"


def endings(now: Measures) -> tuple[str, ...]:
    """How the runs ended, each with its share; what did not happen is left out."""
    parts = (
        ("answered", now.answered),
        ("said that they do not know", now.abstained),
        ("handed to a person", now.escalated),
        ("failed", now.failed),
        ("cancelled", now.cancelled),
    )
    return tuple(f"{count:,} {what} ({percent(count / now.runs)})" for what, count in parts if count)


def liked(now: Measures, before: Measures) -> str:
    """Satisfaction with its interval, beside the week before."""
    share, votes = now.satisfaction, now.votes_up + now.votes_down
    if share is None:
        return "nobody voted"
    said = f"{percent(share.share)} of {counted(votes, 'vote')} up ({between(share)})"
    old = before.satisfaction
    if old is None:
        return f"{said}; no votes {BEFORE}"
    if share.low <= old.share <= share.high:
        return f"{said}; {percent(old.share)} {BEFORE}, no more than chance"
    return f"{said}; {percent(old.share)} {BEFORE}"


def between(share: Share) -> str:
    """The interval of a share."""
    return f"between {percent(share.low)} and {percent(share.high)}"


def time(now: Measures, before: Measures) -> str:
    """How long answers took, beside the week before."""
    if now.half_s is None or now.most_s is None:
        return "nothing ran to its end"
    said = f"half within {elapsed(now.half_s)}, 95 of 100 within {elapsed(now.most_s)}"
    if before.most_s is None:
        return said
    return f"{said}; the slow ones {more_or_less(now.most_s, before.most_s, 'slower', 'faster')}"


def cost(line: WeekLine, mover: WeekLine | None = None, where: str = "") -> str:
    """What it cost, how that compares, why, and what one run cost.

    `mover` is the workflow that most of the change of all together comes from, `where` its name as it is
    to be shown.
    """
    now, before = line.now, line.before
    said = dollars(now.cost_usd)
    if now.cost_usd or before.cost_usd:
        said = f"{said}, {more_or_less(float(now.cost_usd), float(before.cost_usd), 'dearer', 'cheaper')}"
    reason = why(line, mover)
    if reason:
        said = f"{said} {reason}{f', mostly of {where}' if where else ''}"
    each = now.per_run_usd
    if each is not None and now.cost_usd:
        said = f"{said}; {dollars(each)} a run"
    if now.unpriced:
        said = f"{said}. {counted(now.unpriced, 'call')} to a model without a known price are not in it"
    return said


def why(line: WeekLine, mover: WeekLine | None = None) -> str:
    """`because answers grew`; empty where there is nothing to explain."""
    told = mover if mover is not None and mover.why_cost is not None else line
    if line.why_cost is None or told.why_cost is None:
        return ""
    dearer = told.now.cost_usd > told.before.cost_usd
    return _DEARER[told.why_cost][0 if dearer else 1]


def explains(line: WeekLine, mover: WeekLine | None) -> bool:
    """Whether most of the change of all together comes from one workflow."""
    if mover is None:
        return False
    whole = line.now.cost_usd - line.before.cost_usd
    part = mover.now.cost_usd - mover.before.cost_usd
    return abs(part) * 2 > abs(whole) and (part > 0) == (whole > 0)


def moved(now: Decimal, before: Decimal) -> str:
    """A change of money in brackets, `+$1.20`; empty where there is none."""
    change = now - before
    if abs(change) < Decimal("0.005"):
        return ""
    return f"{'+' if change > 0 else '−'}{dollars(abs(change))}"
