"""Explain: on an answer, on a workflow, and `/spanwise explain <workflow | run | link>`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from bot.adapters.diagrams import NotDrawn
from bot.services.actors import Actor
from bot.services.explained import RunExplained, WorkflowExplained
from bot.slack import explain_blocks, explain_text
from bot.slack.blocks import EXPLAIN, notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.explain_blocks import (
    EXPLAIN_WORKFLOW,
    Picture,
    Shown,
    explain_message,
    explain_view,
    picture_of_run,
    picture_of_workflow,
    run_blocks,
    workflow_blocks,
)
from bot.slack.gateway import SlackBusy, SlackRefused, SlackUncertain
from bot.slack.payloads import Call
from bot.slack.pictures import NOT_READY, shown_in_time
from bot.slack.richtext import Block

log = structlog.get_logger(__name__)

RUN_ID = re.compile(r"r_[a-z0-9]{1,40}")
"""How ids of runs look; no workflow is named like that."""
_LINK = re.compile(r"https?://[^/\s<>|]+/archives/([CDG][A-Z0-9]{2,30})/p(\d{10})(\d{6})(?:\?([^\s<>|]*))?")
_THREAD = re.compile(r"thread_ts=(\d{10}\.\d{6})")
_SLACK_FAILED = (SlackBusy, SlackRefused, SlackUncertain)


class NotAnAnswer(Exception):
    """The link leads to a message that is no answer of ours."""

    def __init__(self, link: str) -> None:
        super().__init__(link)
        self.facts = {"link": link}


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One explanation, ready to be shown with and without its picture."""

    title: str
    picture: Picture
    blocks: Callable[[Shown], list[Block]]


async def explain(call: Call, desk: Desk) -> Reply:
    """How an answer came about."""
    actor = await desk.people.actor(call.person)
    return await _explain_run(call, desk, actor, call.value)


async def explain_workflow(call: Call, desk: Desk) -> Reply:
    """How a workflow works."""
    actor = await desk.people.actor(call.person)
    return await _explain_workflow(call, desk, actor, call.value)


async def explain_command(call: Call, desk: Desk, rest: str) -> Reply:
    """`explain <workflow | run | link>`; with nothing, the person's newest run."""
    actor = await desk.people.actor(call.person)
    link = _LINK.search(rest)
    if link:
        return await _explain_run(call, desk, actor, await _run_behind(call, desk, link))
    name = rest.strip().strip("`<>").removeprefix("/").split(" ")[0].strip("`")
    if not name:
        name = await desk.explaining.newest_run(actor)
        if not name:
            return Reply(ack=desk.gateway.sealed_ack(notice(explain_text.explain_what())))
    if RUN_ID.fullmatch(name):
        return await _explain_run(call, desk, actor, name)
    return await _explain_workflow(call, desk, actor, name)


async def _run_behind(call: Call, desk: Desk, link: re.Match[str]) -> str:
    """The run of the message that a link leads to, or of the answer in its thread. Raises NotAnAnswer."""
    channel, seconds, rest, query = link.groups()
    ts = f"{seconds}.{rest}"
    run = await desk.runs.by_message(channel, ts)
    if run is None:
        thread = _THREAD.search(query or "")
        run = await desk.runs.in_thread(channel, thread[1] if thread else ts, call.person)
    if run is None:
        raise NotAnAnswer(link[0])
    return run.id


async def _explain_run(call: Call, desk: Desk, actor: Actor, run_id: str) -> Reply:
    explained = await desk.explaining.run(actor, run_id)

    async def show() -> None:
        names = await desk.people.names(explain_blocks.people_of_run(explained))
        await present(call, desk, exhibit_of_run(explained, names))

    return Reply(after=show)


async def _explain_workflow(call: Call, desk: Desk, actor: Actor, name: str) -> Reply:
    explained = await desk.explaining.workflow(actor, name)

    async def show() -> None:
        names = await desk.people.names(explain_blocks.people_of_workflow(explained))
        await present(call, desk, exhibit_of_workflow(explained, names, desk))

    return Reply(after=show)


def exhibit_of_run(explained: RunExplained, names: Mapping[str, str]) -> Exhibit:
    """A run, ready to be shown."""
    picture = picture_of_run(explained)
    return Exhibit(
        explain_text.RUN_TITLE, picture, lambda shown: run_blocks(explained, names, picture, shown)
    )


def exhibit_of_workflow(explained: WorkflowExplained, names: Mapping[str, str], desk: Desk) -> Exhibit:
    """A workflow, ready to be shown."""
    picture, now = picture_of_workflow(explained), desk.clock.now()
    return Exhibit(
        explain_text.WORKFLOW_TITLE,
        picture,
        lambda shown: workflow_blocks(explained, names, picture, shown, now),
    )


async def present(call: Call, desk: Desk, exhibit: Exhibit) -> None:
    """Open the modal at once, and put the picture into it when it is drawn; else say it privately.

    Raises SlackBusy, SlackUncertain, SlackRefused.
    """
    shown = Shown(desk.pictures.known(exhibit.picture.source) if exhibit.picture.source else "")
    try:
        view_id, shown = await _open(call, desk, exhibit, shown)
    except SlackRefused as error:
        # Slack gives three seconds to open a modal
        log.info("explain.no_modal", reason=error.reason)
        shown = await _drawn(desk, exhibit.picture)
        await _say(call, desk, exhibit, shown)
        return
    if exhibit.picture.source and not shown.file:
        shown = await _drawn(desk, exhibit.picture)
        await _fill_in(desk, view_id, exhibit, shown)


async def _open(call: Call, desk: Desk, exhibit: Exhibit, shown: Shown) -> tuple[str, Shown]:
    """The modal's id, and what of the picture it shows."""
    try:
        return await _open_view(call, desk, exhibit, shown), shown
    except SlackRefused as error:
        if not shown.file or error.reason not in NOT_READY:
            raise
    desk.pictures.forget(exhibit.picture.source)
    return await _open_view(call, desk, exhibit, Shown()), Shown()


async def _open_view(call: Call, desk: Desk, exhibit: Exhibit, shown: Shown) -> str:
    view = explain_view(exhibit.title, exhibit.blocks(shown))
    if not call.view_id or call.raw.get("view", {}).get("type") == "home":
        return await desk.gateway.open_view(call.trigger_id, view)
    # over the modal that it was asked for in, which is there again when this one is closed
    answer = await desk.gateway.call(
        "views_push", trigger_id=call.trigger_id, view=desk.gateway.sealed_view(view)
    )
    return str((answer.get("view") or {}).get("id", ""))


async def _drawn(desk: Desk, picture: Picture) -> Shown:
    """The picture, uploaded; without it where it cannot be drawn or Slack does not take it."""
    if not picture.source:
        return Shown()
    try:
        png = await desk.explaining.picture(picture.source)
        return Shown(await desk.pictures.put(picture.source, png, title=picture.title, alt=picture.alt))
    except (NotDrawn, *_SLACK_FAILED) as error:
        log.warning("explain.no_picture", error=type(error).__name__, **getattr(error, "facts", {}))
        return Shown(has_failed=True)


async def _fill_in(desk: Desk, view_id: str, exhibit: Exhibit, shown: Shown) -> None:
    """Put the picture into the open modal; the person may have closed it by now."""

    async def update(now: Shown) -> None:
        await desk.gateway.update_view(view_id, explain_view(exhibit.title, exhibit.blocks(now)))

    try:
        try:
            await shown_in_time(lambda: update(shown))
        except SlackRefused as error:
            if error.reason not in NOT_READY:
                raise
            await update(Shown(has_failed=True))
    except _SLACK_FAILED as error:
        log.info("explain.closed", **getattr(error, "facts", {}))


async def _say(call: Call, desk: Desk, exhibit: Exhibit, shown: Shown) -> None:
    try:
        await shown_in_time(lambda: desk.tell(call, explain_message(exhibit.title, exhibit.blocks(shown))))
    except SlackRefused as error:
        if not shown.file or error.reason not in NOT_READY:
            raise
        message = explain_message(exhibit.title, exhibit.blocks(Shown(has_failed=True)))
        await desk.tell(call, message)


EXPLAIN_ACTIONS: Mapping[str, Handler] = {EXPLAIN: explain, EXPLAIN_WORKFLOW: explain_workflow}
EXPLAIN_COMMANDS = {"explain": explain_command}
