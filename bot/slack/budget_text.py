"""Every sentence about money: spending, limits, and what happens when they are near."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from bot.adapters.store.ledger import Spent
from bot.governance.budget import Period, Scope, ScopeKind, TopUp
from bot.slack.elements import escape, mention, one_line
from bot.slack.text import dollars

if TYPE_CHECKING:
    from bot.services.budgeting import BudgetView

TITLE, AMOUNT, UNTIL = "Add to a budget", "How many dollars more", "Until the end of"
TOP_UP = "Top up"
HOW_TO = (
    "`/spanwise budget <workflow> 50/month` sets a limit, `… off` lifts it. In place of the workflow: a "
    "person (`@ana`), a user group (`@people-team`) or `workspace`; per `day`, `week` or `month`."
)
UNKNOWN_COST = "cost unknown (the model has no price)"

_NOW = {Period.DAY: "today", Period.WEEK: "this week", Period.MONTH: "this month"}
_CELLS = 10


def cost(amount: Decimal, *, is_priced: bool) -> str:
    """What a run cost; never a bare nothing for what nobody knows."""
    if is_priced:
        return dollars(amount)
    return f"at least {dollars(amount)}, a model has no price" if amount else UNKNOWN_COST


def money(amount: Decimal) -> str:
    """A limit: cents unless it has finer parts."""
    return f"${amount:,.2f}" if amount == amount.quantize(Decimal("0.01")) else f"${amount.normalize():f}"


def spent_money(amount: Decimal) -> str:
    """What was spent, beside a limit."""
    return money(amount.quantize(Decimal("0.01"))) if amount >= Decimal("0.01") else dollars(amount)


def whose(scope: Scope) -> str:
    """A scope in the middle of a sentence."""
    if scope.kind is ScopeKind.WORKFLOW:
        return f"`/{escape(scope.name)}`"
    if scope.kind is ScopeKind.PERSON:
        return mention(scope.name)
    return f"the team `{escape(scope.name)}`" if scope.kind is ScopeKind.TEAM else "the whole workspace"


def heading(scope: Scope) -> str:
    """A scope on a line of its own."""
    said = whose(scope)
    return f"*{said[0].upper()}{said[1:]}*"


def day(at: datetime) -> str:
    """A moment at which something starts afresh: midnight in UTC."""
    return f"{at.astimezone(UTC):%A, %-d %B}"


def bar(spent: Decimal, allowed: Decimal) -> str:
    """How much of a limit is used, to be seen at a glance."""
    share = min(spent / allowed, Decimal(1)) if allowed else Decimal(1)
    full = int(share * _CELLS)
    return "▰" * full + "▱" * (_CELLS - full)


def percent(spent: Decimal, allowed: Decimal) -> str:
    """As a whole number; never 100 before all is spent."""
    return f"{int(spent * 100 / allowed)} %" if allowed else "100 %"


def limit_line(view: "BudgetView") -> str:
    """One limit with what has become of it."""
    spent, allowed = view.balance.spent_usd, view.allowed_usd
    mark = ":warning: " if view.is_low else ""
    lines = [
        f"{mark}*{spent_money(spent)}* of {money(allowed)} {_NOW[view.budget.period]} "
        f"({percent(spent, allowed)})  {bar(spent, allowed)}"
    ]
    if view.balance.reserved_usd:
        lines.append(f"{spent_money(view.balance.reserved_usd)} is set aside for calls under way.")
    lines += [topped_up(each) for each in view.budget.top_ups if each.until > view.at]
    return "\n".join(lines)


def topped_up(added: TopUp) -> str:
    """What somebody added."""
    by = f" by {mention(added.by)}" if added.by else ""
    last = added.until - timedelta(seconds=1)
    return f"Of that, {money(added.amount_usd)} was added{by} until the end of {day(last)} (UTC)."


def spent_lines(spent: dict[Period, Spent]) -> str:
    """What was spent without regard to limits."""
    parts = [f"{spent_money(found.dollars)} {_NOW[period]}" for period, found in spent.items()]
    calls = spent[Period.MONTH]
    said = f"Spent: {', '.join(parts)}, in {calls.calls} call{'' if calls.calls == 1 else 's'} to models."
    if calls.unpriced:
        said += (
            f"\n:warning: {calls.unpriced} of them went to a model whose price nobody knows and count as $0. "
            "An admin gives it a `price` in models.yaml."
        )
    return said


def no_limit(scope: Scope, *, may_change: bool) -> str:
    """Nothing is set."""
    what = f"No limit is set for {whose(scope)}."
    return f"{what} {HOW_TO}" if may_change else what


def no_budgets(*, is_anyone: bool) -> str:
    """An empty overview."""
    return f"No limit concerns you. {HOW_TO}" if not is_anyone else f"No limit is set. {HOW_TO}"


def more_budgets(count: int) -> str:
    """Where the list is cut."""
    return f"And {count} more: `python -m bot budget` lists them all."


def was_set(view: "BudgetView") -> str:
    """After a limit was set."""
    budget = view.budget
    return (
        f"Set: {whose(budget.scope)} may spend {money(budget.limit_usd)} a {budget.period.value}. "
        f"{spent_money(view.balance.spent_usd)} of it is spent {_NOW[budget.period]}."
    )


def was_lifted(scope: Scope, periods: tuple[Period, ...]) -> str:
    """After limits were lifted."""
    named = " and ".join(f"a {each.value}" for each in periods)
    return f"Lifted: {whose(scope)} has no limit {named} any more."


def was_topped_up(view: "BudgetView") -> str:
    """After the form."""
    return f"Added to the budget of {whose(view.budget.scope)}:\n{limit_line(view)}"


def low(view: "BudgetView") -> str:
    """To the owners, once a period."""
    left = max(view.allowed_usd - view.balance.spent_usd, Decimal(0))
    return (
        f":warning: Most of the budget of {whose(view.budget.scope)} is spent: {spent_money(left)} is left "
        f"until {day(view.ends_at)} (UTC)."
    )


def low_means() -> str:
    """What happens from here on."""
    return (
        "From here on a cheaper model answers, where models.yaml names one and the workflow's evaluation "
        "passed with it. When nothing is left, no further call is made."
    )


def spent(view: "BudgetView", workflow: str, needs: str) -> str:
    """To the owners, when a call did not fit any more."""
    cost = f": it may have cost up to {spent_money(Decimal(needs))}" if needs else ""
    by = f" A run of `/{escape(workflow)}` was refused{cost}." if workflow else ""
    return (
        f":no_entry: The budget of {whose(view.budget.scope)} has no room left.{by} What does not fit is "
        f"refused until {day(view.ends_at)} (UTC), or until you add to it."
    )


def open_again(view: "BudgetView") -> str:
    """The same message after somebody added to it."""
    return f":white_check_mark: The budget of {whose(view.budget.scope)} has room again."


def lifted_since() -> str:
    """A message about a limit that is gone."""
    return "This limit was lifted."


def form_opening(view: "BudgetView") -> str:
    """Above the fields."""
    return f"Budget of {whose(view.budget.scope)}\n{limit_line(view)}"


def form_hint() -> str:
    """Under the date."""
    return "In UTC. After that day the limit is as it was."


def needs_amount() -> str:
    """Under the amount."""
    return "Enter an amount above 0, such as 20 or 7.50."


def needs_day() -> str:
    """Under the date."""
    return "Choose a day from today on, at most a year ahead."


def refusal(facts: dict[str, str]) -> str:
    """To the person whose run was not paid for."""
    scope = Scope(ScopeKind(facts["scope"]), facts["name"])
    told = [mention(person) for person in facts.get("ask", "").split(",") if person]
    period, ends = Period(facts["period"]), datetime.fromisoformat(facts["ends"])
    if facts.get("busy"):
        return (
            f"What is left of the budget of {whose(scope)} for {_named(period)} is set aside for other runs "
            "that are under way. Try again in a minute."
        )
    needs = f", and it may cost up to {spent_money(Decimal(facts['needs']))}" if facts.get("needs") else ""
    asked = f"I have told {' and '.join(told[:3])}, who can add to it." if told else "An admin can add to it."
    used = f"{spent_money(Decimal(facts['spent']))} of {money(Decimal(facts['limit']))} is spent"
    return (
        f"The budget of {whose(scope)} for {_named(period)} has no room for this: {used}{needs}. No model "
        f"was asked, so this cost nothing. {asked} It starts afresh on {day(ends)} (UTC)."
    )


def _named(period: Period) -> str:
    return _NOW[period]


def unknown_scope(typed: str) -> str:
    """Not a workflow, person or group."""
    return f"“{one_line(typed, 60)}” is nothing that can have a budget. {HOW_TO}"


def invalid_limit(typed: str) -> str:
    """Not an amount over a period."""
    return f"I read no limit in “{one_line(typed, 60)}”. Write an amount and a period, such as `50/month`."
