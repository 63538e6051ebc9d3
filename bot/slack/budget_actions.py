"""Budgets in Slack: `/spanwise budget`, the Top-up button and its form."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from bot.governance.budget_words import read_request
from bot.governance.roles import Permission
from bot.services.budgeting import InvalidTopUp
from bot.slack import budget_blocks as blocks
from bot.slack import budget_text as words
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.form_replies import closing_with, marked, opening, saying
from bot.slack.payloads import Call
from bot.slack.text import form_expired


async def budget(call: Call, desk: Desk, rest: str) -> Reply:
    """`budget`, `budget <whose>`, `budget <whose> 50/month`, `budget <whose> off`."""
    asked = read_request(rest, call.person)
    actor = await desk.people.actor(call.person)
    if asked.scope is None:
        may_set = await desk.access.holds(actor, Permission.BUDGET)
        return saying(desk, blocks.overview_message(await desk.budgets.overview(actor), may_set=may_set))
    if asked.lifts:
        ended = await desk.budgets.lift(actor, asked.scope, asked.period)
        said = words.was_lifted(asked.scope, tuple(each.period for each in ended))
        return saying(desk, notice(said, mentions=[asked.scope.name]))
    if asked.dollars is None or asked.period is None:
        return saying(desk, blocks.spending_message(await desk.budgets.spending(actor, asked.scope)))
    view = await desk.budgets.set_limit(actor, asked.scope, asked.dollars, asked.period)
    return saying(desk, blocks.said_of(view, words.was_set(view)))


async def top_up(call: Call, desk: Desk) -> Reply:
    """The form, for who may add to the budget."""
    actor = await desk.people.actor(call.person)
    view = await desk.budgets.budget(actor, call.value)
    return opening(call, desk, blocks.top_up_form(view, call.place), form_expired(words.TITLE, ""))


async def top_up_sent(call: Call, desk: Desk) -> Reply:
    """So much more, until that day."""
    budget_id = call.remembered("budget")
    typed, until = blocks.read_top_up(call.state)
    try:
        dollars = Decimal(typed)
        day = date.fromisoformat(until)
    except InvalidOperation:
        return marked({blocks.AMOUNT: words.needs_amount()})
    except ValueError:
        return marked({blocks.UNTIL: words.needs_day()})
    ends = datetime.combine(day, time(), UTC) + timedelta(days=1)
    actor = await desk.people.actor(call.person)
    try:
        view = await desk.budgets.top_up(actor, budget_id, dollars, ends)
    except InvalidTopUp as error:
        is_amount = error.facts["why"] == "amount"
        wrong = (blocks.AMOUNT, words.needs_amount()) if is_amount else (blocks.UNTIL, words.needs_day())
        return marked(dict([wrong]))
    said = blocks.said_of(view, words.was_topped_up(view))
    return closing_with(call, desk, said)


SubCommand = Callable[[Call, Desk, str], Awaitable[Reply]]

BUDGET_SUBCOMMANDS: Mapping[str, SubCommand] = {"budget": budget}
BUDGET_ACTIONS: Mapping[str, Handler] = {blocks.TOP_UP: top_up}
BUDGET_VIEWS: Mapping[str, Handler] = {blocks.TOP_UP_FORM: top_up_sent}
