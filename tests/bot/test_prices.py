"""What a call costs on a day, and what a limit lasts for."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.prices import Tokens, cost_of, is_priced
from bot.adapters.profiles import InvalidProfiles, read_profiles
from bot.adapters.provider_call import load_litellm
from bot.governance.budget import (
    WORKSPACE,
    Balance,
    Budget,
    Period,
    Scope,
    ScopeKind,
    Verdict,
    decide,
    team_of,
)
from bot.governance.budget_words import InvalidLimit, UnknownScope, read_limit, read_request, read_scope

DATED = """
default:
  model: openai/ours
  price:
    - {input_per_million: 10, output_per_million: 20}
    - {from: 2027-01-01, input_per_million: 5, output_per_million: 20, cached_input_per_million: 1}
late:
  model: openai/late
  price: {from: 2027-01-01, input_per_million: 5, output_per_million: 20}
listed:
  model: openai/gpt-4o-mini
  price: {from: 2027-01-01, input_per_million: 1000, output_per_million: 1000}
"""
LAST, FIRST = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
PROFILES = read_profiles(DATED)


CACHED = Tokens(1_000_000, 0, 600_000)


def cost(alias: str, at: datetime, tokens: Tokens = CACHED) -> Decimal | None:
    return cost_of(load_litellm(), PROFILES.profile(alias), tokens, at)


def test_a_price_begins_at_midnight_of_its_day() -> None:
    assert cost("default", LAST) == 10, "cached input costs as much as other input where nothing is said"
    assert cost("default", FIRST) == Decimal("0.4") * 5 + Decimal("0.6") * 1


def test_before_its_day_a_price_says_nothing() -> None:
    assert cost("late", LAST) is None
    assert not is_priced(load_litellm(), PROFILES.profile("late"), LAST)
    assert cost("late", FIRST) == 5
    plain = Tokens(1_000_000, 0)
    assert cost("listed", LAST, plain) == Decimal("0.15"), "until then litellm's own price holds"
    assert cost("listed", FIRST, plain) == 1000


def test_a_row_without_a_price_is_no_price() -> None:
    litellm = load_litellm()
    litellm.model_cost["openai/only-its-length"] = {
        "max_tokens": 8192,
        "litellm_provider": "openai",
        "mode": "chat",
    }
    model = PROFILES.profile("default").model_copy(update={"model": "openai/only-its-length", "price": ()})
    try:
        assert cost_of(litellm, model, Tokens(10, 10), LAST) is None
    finally:
        del litellm.model_cost["openai/only-its-length"]


WRONG = [
    pytest.param(
        "price: [{input_per_million: 1, output_per_million: 1},"
        " {input_per_million: 2, output_per_million: 2}]",
        "order",
    ),
    pytest.param("price: {input_per_million: -1, output_per_million: 1}", "input_per_million"),
    pytest.param("price: {input_per_million: 1}", "output_per_million"),
    pytest.param("price: {from: soon, input_per_million: 1, output_per_million: 1}", "from"),
    pytest.param("cheaper: nobody", "nobody"),
    pytest.param("cheaper: default", "default"),
]


@pytest.mark.parametrize(("line", "word"), WRONG)
def test_what_is_wrong_is_said_at_its_line(line: str, word: str) -> None:
    with pytest.raises(InvalidProfiles) as caught:
        read_profiles(f"default:\n  model: openai/x\n  {line}\n")
    (problem, *_) = caught.value.problems
    assert problem.line == 3
    assert word in str(problem)


moments = st.integers(1_577_836_800, 2_051_222_400).map(lambda at: datetime.fromtimestamp(at, UTC))


@given(moments, st.sampled_from(Period))
def test_periods_follow_each_other_without_gap_or_overlap(at: datetime, period: Period) -> None:
    begun, ends = period.starts(at), period.ends(at)
    assert begun <= at < ends
    assert period.starts(ends) == ends
    assert period.starts(ends - timedelta(microseconds=1)) == begun
    if period is Period.WEEK:
        assert begun.isoweekday() == 1 and begun.isocalendar()[:2] == at.isocalendar()[:2]
    if period is Period.MONTH:
        assert (begun.year, begun.month, begun.day) == (at.year, at.month, 1)


cents = st.integers(0, 1000).map(lambda each: Decimal(each) / 100)


@given(st.lists(st.tuples(cents, cents, cents), min_size=1, max_size=4), cents)
def test_what_is_granted_fits_every_limit(
    rows: list[tuple[Decimal, Decimal, Decimal]], dollars: Decimal
) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    balances = [
        Balance(Budget(f"b_{n}", WORKSPACE, Period.DAY, limit), at, spent, reserved)
        for n, (limit, spent, reserved) in enumerate(rows)
    ]
    decision = decide(balances, dollars, at)
    fits = all(b.spent_usd + b.reserved_usd + dollars <= b.budget.limit_usd for b in balances)
    assert (decision.verdict is Verdict.GRANTED) == fits
    over = any(b.spent_usd + dollars > b.budget.limit_usd for b in balances)
    assert (decision.verdict is Verdict.SPENT) == over


@pytest.mark.parametrize("typed", ["50/month", "$50 / Month", "50 per month", "50.00 a month", " 50/month "])
def test_limits_as_people_type_them(typed: str) -> None:
    assert read_limit(typed) == (50, Period.MONTH)


@pytest.mark.parametrize(
    "typed", ["50", "50/year", "-5/day", "1e9/day", "50/month please", "50,5/day", "１/day/x"]
)
def test_limits_that_are_none(typed: str) -> None:
    with pytest.raises(InvalidLimit):
        read_limit(typed)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(typed: str) -> None:
    with suppress(InvalidLimit, UnknownScope):
        read_request(typed, "U0ANA")


def test_whose() -> None:
    assert read_scope("/ask-policy") == Scope(ScopeKind.WORKFLOW, "ask-policy")
    assert read_request("<@U0ANA|ana> 5/day").scope == Scope(ScopeKind.PERSON, "U0ANA")
    assert read_request("<!subteam^S0LEADS|@leads> 5/day").scope == Scope(ScopeKind.TEAM, "S0LEADS")
    assert read_request("me", "U0BEN").scope == Scope(ScopeKind.PERSON, "U0BEN")
    assert read_request("workspace off/week").period is Period.WEEK


def test_a_person_counts_for_one_team() -> None:
    assert team_of({"S0B", "S0A"}, ()) == "S0A"
    assert team_of({"S0B", "S0A"}, ("S0C", "S0B")) == "S0B"
    assert team_of({"S0A"}, ("S0C",)) == team_of((), ()) == ""
