"""`python -m bot budget`: what was spent, the limits, and adding to them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from typing import Annotated

import typer

from bot.bootstrap import Product, build
from bot.cli import console
from bot.governance.budget import Period, Scope
from bot.governance.budget_words import BudgetRequest, read_dollars, read_request
from bot.services.access import OPERATOR
from bot.services.actors import Actor
from bot.services.budgeting import BudgetView, UnknownBudget
from bot.settings_reading import read_settings
from bot.slack import budget_text as words

ACTOR = Actor(OPERATOR)
WHOSE = "A workflow, a person's or group's id, or `workspace`; nothing lists every limit."


def budget(
    whose: Annotated[str, typer.Argument(help=WHOSE)] = "",
    limit: Annotated[str, typer.Argument(help="`50/month` sets a limit, `off` lifts it.")] = "",
    add: Annotated[str, typer.Option(help="Add so many dollars to the limit for a while.")] = "",
    until: Annotated[
        datetime | None, typer.Option(help="Last day of what is added, in UTC.", formats=["%Y-%m-%d"])
    ] = None,
    period: Annotated[Period, typer.Option(help="Which limit to add to.")] = Period.MONTH,
) -> None:
    """Show spending against limits, set a limit, lift it, or add to it for a while."""
    with console.refusing():
        asked = read_request(f"{whose} {limit}")
        if add and asked.scope is not None:
            _act(lambda product: _top_up(product, asked.scope, add, until, period))
        else:
            _act(lambda product: _request(product, asked))


def _act(work: Callable[[Product], Awaitable[None]]) -> None:
    async def whole() -> None:
        product = build(read_settings())
        try:
            await work(product)
        finally:
            await product.close()

    asyncio.run(whole())


async def _request(product: Product, asked: BudgetRequest) -> None:
    budgets, scope = product.budgets, asked.scope
    if scope is None:
        _table(await budgets.overview(ACTOR))
    elif asked.lifts:
        ended = await budgets.lift(ACTOR, scope, asked.period)
        _say(words.was_lifted(scope, tuple(each.period for each in ended)))
    elif asked.dollars is not None and asked.period is not None:
        _say(words.was_set(await budgets.set_limit(ACTOR, scope, asked.dollars, asked.period)))
    else:
        spending = await budgets.spending(ACTOR, scope)
        _say(words.spent_lines(dict(spending.by_period)))
        _table(spending.budgets)


async def _top_up(
    product: Product, scope: Scope | None, add: str, until: datetime | None, period: Period
) -> None:
    views = await product.budgets.overview(ACTOR)
    found = [view for view in views if view.budget.scope == scope and view.budget.period is period]
    if not found:
        raise UnknownBudget(scope)
    ends = found[0].ends_at
    if until is not None:
        ends = datetime.combine(until.date(), time(), UTC) + timedelta(days=1)
    view = await product.budgets.top_up(ACTOR, found[0].budget.id, read_dollars(add), ends)
    _say(words.was_topped_up(view))


def _table(views: tuple[BudgetView, ...]) -> None:
    if not views:
        console.out.print("No limit is set.")
        return
    rows = [
        (
            str(view.budget.scope),
            view.budget.period.value,
            words.money(view.allowed_usd),
            words.spent_money(view.balance.spent_usd),
            words.percent(view.balance.spent_usd, view.allowed_usd),
            f"{view.ends_at:%Y-%m-%d}",
        )
        for view in views
    ]
    console.table(("Whose", "Per", "Limit", "Spent", "Used", "Starts afresh"), rows)


def _say(said: str) -> None:
    console.out.print(console.plain(said), markup=False)
