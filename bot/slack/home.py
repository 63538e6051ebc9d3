"""App Home: what a person can do here, what they ran lately, and hints for admins."""

from collections.abc import Sequence

from bot.governance.roles import Permission
from bot.services.catalogue import Released
from bot.services.run_views import RunView
from bot.slack import elements as el
from bot.slack import text
from bot.slack.blocks import START, run_line, usage
from bot.slack.desk import Desk, Reply
from bot.slack.payloads import Call
from bot.slack.richtext import Block

RUNS = 8
EXAMPLES = 2


async def opened(call: Call, desk: Desk) -> Reply:
    """Somebody looks at our home tab: draw it as of now."""
    channel = (call.raw.get("event") or {}).get("channel", "")
    if channel:
        desk.gateway.remember_direct(call.person, channel)
    if (call.raw.get("event") or {}).get("tab", "home") != "home":
        return Reply()

    async def draw() -> None:
        actor = await desk.people.actor(call.person)
        released = await desk.catalogue.released(actor)
        runs = await desk.runs.recent(actor, limit=RUNS)
        is_admin = await desk.access.holds(actor, Permission.GRANT)
        await desk.gateway.publish_home(call.person, home_view(actor.name, released, runs, is_admin=is_admin))

    return Reply(after=draw)


def home_view(name: str, released: Sequence[Released], runs: Sequence[RunView], *, is_admin: bool) -> Block:
    """The home tab."""
    blocks = [
        el.section(f"*{text.greeting(name)}*\n{text.what_i_am()}"),
        el.context(text.how_to_ask()),
        el.header("What you can run"),
        *(_workflow(item) for item in released),
        *([] if released else [el.section(text.nothing_to_run(()))]),
        el.header("Your recent runs"),
        *(el.section(run_line(view)) for view in runs),
        *([] if runs else [el.section(text.no_runs())]),
        *([el.divider(), el.context(text.admin_hints())] if is_admin else []),
    ]
    return {"type": "home", "blocks": blocks}


def _workflow(item: Released) -> Block:
    examples = "".join(f"\n_{el.escape(example)}_" for example in item.examples[:EXAMPLES])
    return el.section(
        f"*{el.escape(item.title)}* `{el.escape(usage(item))}`\n{el.escape(item.purpose)}{examples}",
        el.button("Run", START, item.name, about=f"Run {item.title}"),
    )
