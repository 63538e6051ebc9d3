"""The connection of this process to Slack: client, gateway, and what stands on them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.bootstrap import Product
from bot.services.health_checks import checks_for
from bot.services.home_page import HomePages
from bot.slack.delivery import Delivery
from bot.slack.desk import Desk
from bot.slack.digest_charts import ChartShow
from bot.slack.gateway import Gateway
from bot.slack.line_probe import LineProbe
from bot.slack.pictures import Pictures
from bot.slack_wire import Wire, open_wire


@dataclass(frozen=True, slots=True)
class SlackLine:
    """One workspace, reached with one token."""

    gateway: Gateway
    desk: Desk
    delivery: Delivery
    probe: LineProbe
    close: Callable[[], Awaitable[None]]
    """Hangs up."""


async def open_line(product: Product) -> SlackLine:
    """Connect and learn who we are. Raises NoBotToken, and slack_sdk's error when the token is refused."""
    wire = await open_wire(product.settings, product.clock, product.watching.observers)
    delivery = Delivery(wire.gateway, wire.people, product.clock)
    return SlackLine(wire.gateway, whole_desk(product, wire), delivery, wire.probe, wire.close)


def whole_desk(product: Product, wire: Wire) -> Desk:
    """What handlers have at hand on this line."""
    pictures = Pictures(wire.gateway)
    return Desk(
        runs=product.runs,
        catalogue=product.catalogue,
        feedback=product.feedback,
        access=product.access,
        preferences=product.preferences,
        admin=product.admin,
        budgets=product.budgets,
        changes=product.changes,
        digests=product.digests,
        digest_acts=product.digest_acts,
        drafting=product.drafting,
        triage=product.triage,
        escalating=product.escalating,
        remedies=product.remedies,
        stages=product.stages,
        promotions=product.promotions,
        auditing=product.auditing,
        alerting=product.alerting,
        golden=product.golden,
        evaluation_requests=product.evaluation_requests,
        replays=product.replays,
        explaining=product.explaining,
        past_runs=product.past_runs,
        pictures=pictures,
        home=_home(product),
        charts=ChartShow(product.charts, pictures, native=product.settings.charts == "slack"),
        gateway=wire.gateway,
        people=wire.people,
        clock=product.clock,
        workspace_url=wire.workspace_url,
    )


def _home(product: Product) -> HomePages:
    """Home tabs, with a look at all parts of the installation for those who operate it."""
    store, clock = product.store, product.clock
    checks = checks_for(("worker",) if product.works else (), store, product.models, product.holdings, None)
    return HomePages(
        store, product.access, product.catalogue, product.changes, product.budgets, checks, clock
    )
