"""Evaluations, golden cases and replays in Slack: three moves each."""

from collections.abc import Mapping

from bot.slack import evaluation_text as words
from bot.slack.arguments import split_word
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.evaluation_blocks import (
    RETIRE,
    SHOW,
    STOP,
    cases_message,
    details_view,
    evaluation_message,
    replay_message,
)
from bot.slack.form_replies import saying
from bot.slack.payloads import Call, UnreadableClick

CANDIDATE = "candidate"
"""The word that has what a pilot tries out compared with production."""


async def evaluate(call: Call, desk: Desk, rest: str) -> Reply:
    """`evaluate <workflow> [candidate]`: the result comes in the person's direct messages."""
    name, label = split_word(rest)
    name, label = name.removeprefix("/"), label.strip().lower()
    if not name or label not in ("", CANDIDATE):
        return saying(desk, notice(words.USAGE_EVALUATE))
    actor = await desk.people.actor(call.person)
    released = await desk.catalogue.find(name)
    await desk.evaluation_requests.ask(
        actor, released.name, call.person, key=call.dedupe_key, label=label or released.label
    )
    return saying(desk, notice(words.asked(released.title)))


async def stop(call: Call, desk: Desk) -> Reply:
    """Cut an evaluation short."""
    actor = await desk.people.actor(call.person)
    was_running = await desk.evaluation_requests.stop(actor, call.value)
    return Reply(after=lambda: desk.tell(call, notice(words.stop_asked(was_running))))


async def show(call: Call, desk: Desk) -> Reply:
    """Every case, in a modal."""
    actor = await desk.people.actor(call.person)
    view = await desk.evaluation_requests.view(actor, call.value)
    if view.report is None:
        return Reply(after=lambda: desk.tell(call, evaluation_message(view)))
    form = details_view(view.report, view.title)

    async def open_() -> None:
        await desk.gateway.open_view(call.trigger_id, form)

    return Reply(after=open_)


async def cases(call: Call, desk: Desk, rest: str) -> Reply:
    """`cases <workflow> [page]`: what a workflow is held to."""
    name, page = split_word(rest)
    name = name.removeprefix("/")
    if not name:
        return saying(desk, notice(words.USAGE_CASES))
    actor = await desk.people.actor(call.person)
    released = await desk.catalogue.find(name)
    kept = await desk.golden.listed(actor, released.name)
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 4 else 1
    return saying(desk, cases_message(released.name, released.title, kept, number))


async def retire(call: Call, desk: Desk) -> Reply:
    """Hold a workflow to a case no longer."""
    carried = call.json_value()
    workflow, key = str(carried.get("w", "")), str(carried.get("k", ""))
    if not workflow or not key:
        raise UnreadableClick(call.name)
    actor = await desk.people.actor(call.person)
    await desk.golden.retire(actor, workflow, key)
    return Reply(after=lambda: desk.tell(call, notice(words.retired(key))))


async def replay(call: Call, desk: Desk, rest: str) -> Reply:
    """`replay <run>`: the old and the new answer beside each other, for this person alone."""
    run_id = rest.strip().strip("`")
    if not run_id:
        return saying(desk, notice(words.USAGE_REPLAY))
    actor = await desk.people.actor(call.person)
    await desk.runs.explain_answer(actor, run_id)

    async def show_both() -> None:
        found = await desk.replays.replay(actor, run_id)
        await desk.tell(call, replay_message(found, desk.clock.now()))

    return Reply(ack=desk.gateway.sealed_ack(notice(words.replaying(run_id))), after=show_both)


EVALUATION_SUBCOMMANDS = {"evaluate": evaluate, "cases": cases, "replay": replay}
EVALUATION_ACTIONS: Mapping[str, Handler] = {STOP: stop, SHOW: show, RETIRE: retire}
"""Rows of the tables of sub-commands and clicks."""
