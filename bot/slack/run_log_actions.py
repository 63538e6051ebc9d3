"""`/spanwise runs`: looking through the run log, opening one run, and taking runs away as a file."""

import io
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.adapters.store.run_search import Place
from bot.governance.run_filter import RunFilter
from bot.governance.run_words import read_filter
from bot.services.actors import Actor
from bot.services.audit_files import FORMATS, Format
from bot.slack import run_log_blocks as blocks
from bot.slack import run_log_text as words
from bot.slack.arguments import split_word
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.explain_actions import RUN_ID, Exhibit, present
from bot.slack.explain_blocks import Picture
from bot.slack.file_delivery import hand_over
from bot.slack.identities import PersonUnknown
from bot.slack.payloads import Call

MOST = 20_000
"""Runs in one file in Slack; the terminal writes any number."""
NO_PICTURE = Picture("", "", "", "")


async def runs(call: Call, desk: Desk, rest: str) -> Reply:
    """`runs`, `runs <filters>`, `runs <id>`, `runs export csv <filters>`."""
    actor = await desk.people.actor(call.person)
    name = rest.strip().strip("`")
    if RUN_ID.fullmatch(name):
        return await _open(call, desk, actor, name)
    word, more = split_word(rest)
    if word == "export":
        form, more = _format(more)
        return _export(call, desk, actor, await _read(call, desk, more), form)
    return _show(call, desk, actor, await _read(call, desk, rest))


def _format(text: str) -> tuple[Format, str]:
    word, more = split_word(text)
    found = next((each for each in FORMATS if each == word), None)
    return (found, more) if found else ("csv", text)


async def _read(call: Call, desk: Desk, text: str) -> RunFilter:
    """What was typed; days are those of whoever typed."""
    zone: tzinfo = UTC
    if text:
        with suppress(PersonUnknown, ZoneInfoNotFoundError, ValueError):
            zone = ZoneInfo(await desk.people.zone(call.person))
    return read_filter(text, desk.clock.now(), myself=call.person, zone=zone)


def _show(
    call: Call,
    desk: Desk,
    actor: Actor,
    wanted: RunFilter,
    start: Place | None = None,
    *,
    newer: bool = False,
) -> Reply:
    is_turning = call.kind == "action"

    async def show() -> None:
        # looking for a text can take longer than Slack waits
        page = await desk.past_runs.history.page(actor, wanted, start=start, newer=newer)
        names = await desk.people.names(blocks.people_of_page(page))
        await desk.tell(call, blocks.page_message(page, names), replace=is_turning)

    return Reply(after=show)


async def older(call: Call, desk: Desk) -> Reply:
    """The page before in time."""
    wanted, place = blocks.read_carried(call)
    return _show(call, desk, await desk.people.actor(call.person), wanted, place)


async def newer(call: Call, desk: Desk) -> Reply:
    """The page after it."""
    wanted, place = blocks.read_carried(call)
    return _show(call, desk, await desk.people.actor(call.person), wanted, place, newer=True)


async def open_run(call: Call, desk: Desk) -> Reply:
    """One run as a modal."""
    return await _open(call, desk, await desk.people.actor(call.person), call.value)


async def _open(call: Call, desk: Desk, actor: Actor, run_id: str) -> Reply:
    opened = await desk.past_runs.history.run(actor, run_id)

    async def show() -> None:
        names = await desk.people.names(blocks.people_of_record(opened))
        made = blocks.run_record(opened, names)
        await present(call, desk, Exhibit(words.TITLE, NO_PICTURE, lambda _shown: made))

    return Reply(after=show)


def _exporting(form: Format) -> Handler:
    async def export(call: Call, desk: Desk) -> Reply:
        wanted, _ = blocks.read_carried(call)
        return _export(call, desk, await desk.people.actor(call.person), wanted, form)

    return export


def _export(call: Call, desk: Desk, actor: Actor, wanted: RunFilter, form: Format) -> Reply:
    """The file in the person's direct messages."""

    async def send() -> None:
        out = io.StringIO()
        count = await desk.past_runs.exports.export(
            actor, wanted, form, out.write, surface=call.kind, most=MOST
        )
        await hand_over(
            call,
            desk,
            name=f"runs-{desk.clock.now():%Y-%m-%d}.{form}",
            content=out.getvalue(),
            said=words.exported(count),
            no_upload=words.no_upload(),
        )

    return Reply(after=send)


SubCommand = Callable[[Call, Desk, str], Awaitable[Reply]]

RUN_LOG_SUBCOMMANDS: Mapping[str, SubCommand] = {"runs": runs}
RUN_LOG_ACTIONS: Mapping[str, Handler] = {
    blocks.TURN_OLDER: older,
    blocks.TURN_NEWER: newer,
    blocks.OPEN: open_run,
    blocks.EXPORT_CSV: _exporting("csv"),
    blocks.EXPORT_JSONL: _exporting("jsonl"),
}
