"""The connection of this process to Slack: client, gateway, and what stands on them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.bootstrap import Product
from bot.services.health_checks import checks_for
from bot.services.home_page import HomePages
from bot.slack.delivery import Delivery
from bot.slack.desk import Desk
from bot.slack.digest_charts import ChartShow
from bot.slack.gateway import Gateway, open_client, open_session
from bot.slack.identities import People
from bot.slack.line_probe import LineProbe
from bot.slack.pictures import Pictures


class NoBotToken(Exception):
    """No token to speak to Slack with."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = {"setting": "SLACK_BOT_TOKEN"}


class NoWayIn(Exception):
    """Neither an app token for Socket Mode nor a signing secret for HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = {"settings": "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET"}


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
    settings = product.settings
    token = settings.slack_bot_token.get_secret_value()
    if not token:
        raise NoBotToken
    session = open_session()
    try:
        gateway = Gateway(
            open_client(token, settings.slack_api_url, session),
            product.clock,
            settings.link_domains,
            product.watching.observers,
        )
        myself = await gateway.call("auth_test")
    except BaseException:
        await session.close()
        raise
    people = People(gateway, product.clock, myself.get("team_id", ""), myself.get("user_id", ""))
    desk = _desk(product, gateway, people, myself.get("url", ""))
    probe = LineProbe(gateway, product.clock)
    return SlackLine(gateway, desk, Delivery(gateway, people, product.clock), probe, session.close)


def _desk(product: Product, gateway: Gateway, people: People, workspace_url: str) -> Desk:
    """What handlers have at hand on this line."""
    pictures = Pictures(gateway)
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
        gateway=gateway,
        people=people,
        clock=product.clock,
        workspace_url=workspace_url,
    )


def _home(product: Product) -> HomePages:
    """Home tabs, with a look at all parts of the installation for those who operate it."""
    store, clock = product.store, product.clock
    checks = checks_for(("worker",), store, product.models, product.holdings, None)
    return HomePages(
        store, product.access, product.catalogue, product.changes, product.budgets, checks, clock
    )
