"""Slash commands: one per released workflow, and `/spanwise` with its sub-commands."""

import difflib
from collections.abc import Mapping

from bot.slack import admin_messages, text
from bot.slack.arguments import split_word
from bot.slack.audit_actions import AUDIT_SUBCOMMANDS
from bot.slack.blocks import help_message, notice, runs_message
from bot.slack.budget_actions import BUDGET_SUBCOMMANDS
from bot.slack.change_actions import CHANGE_COMMANDS
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.digest_actions import DIGEST_SUBCOMMANDS
from bot.slack.edit_forms import EDIT_COMMANDS
from bot.slack.evaluation_actions import EVALUATION_SUBCOMMANDS
from bot.slack.explain_actions import EXPLAIN_COMMANDS
from bot.slack.form_replies import saying
from bot.slack.forms import settings_form
from bot.slack.gateway import SlackRefused
from bot.slack.incoming import plain_text
from bot.slack.payloads import Call
from bot.slack.requesting import visibility_of
from bot.slack.retention_actions import RETENTION_SUBCOMMANDS
from bot.slack.run_log_actions import RUN_LOG_SUBCOMMANDS
from bot.slack.stage_actions import STAGE_SUBCOMMANDS
from bot.slack.triage_actions import TRIAGE_COMMANDS
from bot.slack.workflow_command import UMBRELLA, workflow_command

RECENT = 8
SENTENCE_WORDS = frozenset({"of", "the", "all", "cases", "golden", "what", "me"})
"""After a sub-command's name they begin a sentence: `history of ...`, `run the cases of ...`."""


async def received(call: Call, desk: Desk) -> Reply:
    """Any slash command."""
    handler = COMMANDS.get(call.name)
    if handler is not None:
        return await handler(call, desk)
    return await workflow_command(call, desk, call.name.removeprefix("/"), call.text)


async def umbrella(call: Call, desk: Desk) -> Reply:
    """`/spanwise <word> ...`."""
    word, rest = split_word(call.text)
    subcommand = SUBCOMMANDS.get(word or "help")
    if subcommand is not None and split_word(rest)[0].lower() in SENTENCE_WORDS:
        said = await admin_messages.ordered(call, desk, is_certain=True)
        if said is not None:
            return said
    if subcommand is not None:
        return await subcommand(call, desk, rest)
    ordered = await admin_messages.ordered(call, desk)
    if ordered is not None:
        return ordered
    released = {item.name for item in await desk.catalogue.released()}
    near = difflib.get_close_matches(word, [*SUBCOMMANDS, *released], n=1, cutoff=0.5)
    guess = f"{UMBRELLA} {'run ' if near[0] in released else ''}{near[0]}" if near else ""
    return saying(desk, notice(text.unknown_command(f"{UMBRELLA} {word}", guess)))


async def help_(call: Call, desk: Desk, rest: str) -> Reply:
    """`help` lists what the person may run; `help <name>` explains one."""
    if not rest:
        return await list_(call, desk, rest)
    released = await desk.catalogue.find(split_word(rest)[0].removeprefix("/"))
    visibility = await visibility_of(call, desk, released)
    return saying(desk, help_message(released, is_public=visibility == "channel"))


async def list_(call: Call, desk: Desk, _rest: str) -> Reply:
    """What this person may run."""
    actor = await desk.people.actor(call.person)
    return saying(desk, await admin_messages.list_for(desk, actor))


async def run(call: Call, desk: Desk, rest: str) -> Reply:
    """`run <workflow> ...`, for workflows beyond Slack's fifty commands too."""
    name, typed = split_word(rest)
    if not name:
        return await list_(call, desk, rest)
    return await workflow_command(call, desk, name.removeprefix("/"), plain_text(typed))


async def status(call: Call, desk: Desk, rest: str) -> Reply:
    """The person's recent runs, or one of them."""
    actor = await desk.people.actor(call.person)
    run_id = rest.strip().strip("`")
    if not run_id:
        return saying(desk, runs_message(await desk.runs.recent(actor, limit=RECENT)))
    explanation = await desk.runs.explain(actor, run_id)
    return saying(desk, runs_message((explanation.run,)))


async def cancel(call: Call, desk: Desk, rest: str) -> Reply:
    """`cancel <run>`, or the newest run that is still open."""
    actor = await desk.people.actor(call.person)
    run_id = rest.strip().strip("`")
    if not run_id:
        open_runs = await desk.runs.recent(actor, is_open=True)
        if not open_runs:
            return saying(desk, notice(text.nothing_to_cancel()))
        if len(open_runs) != 1:
            return saying(desk, runs_message(open_runs))
        run_id = open_runs[0].id
    await desk.runs.cancel(actor, run_id)
    return saying(desk, notice(text.cancel_asked()))


async def settings(call: Call, desk: Desk, _rest: str) -> Reply:
    """The person's own settings, in a form."""
    current = await desk.preferences.answers(call.person)

    async def show() -> None:
        form = settings_form(
            current, text.ANSWER_PLACES, {"channel": call.channel, "response_url": call.response_url}
        )
        try:
            await desk.gateway.open_view(call.trigger_id, form)
        except SlackRefused:
            await desk.tell(call, notice(text.form_expired("Your settings", f"{UMBRELLA} settings")))

    return Reply(after=show)


COMMANDS: Mapping[str, Handler] = {UMBRELLA: umbrella}
SUBCOMMANDS = {
    "help": help_,
    "list": list_,
    "run": run,
    "status": status,
    "cancel": cancel,
    "settings": settings,
    **CHANGE_COMMANDS,
    **EVALUATION_SUBCOMMANDS,
    **EXPLAIN_COMMANDS,
    **AUDIT_SUBCOMMANDS,
    **RETENTION_SUBCOMMANDS,
    **RUN_LOG_SUBCOMMANDS,
    **STAGE_SUBCOMMANDS,
    **BUDGET_SUBCOMMANDS,
    **DIGEST_SUBCOMMANDS,
    **EDIT_COMMANDS,
    **TRIAGE_COMMANDS,
}
