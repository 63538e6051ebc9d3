"""The message shortcut "Run a workflow on this"."""

from collections.abc import Mapping, Sequence

from bot.services.catalogue import Released
from bot.slack import text
from bot.slack.blocks import list_message, notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.form_replies import open_form
from bot.slack.forms import FIELD_CHARACTERS, Prefill, choose_form
from bot.slack.incoming import plain_text, thread_text, values_from, wants_thread
from bot.slack.knowledge_forms import KNOWLEDGE_SHORTCUTS
from bot.slack.payloads import Call
from bot.slack.requesting import is_channel, memory_of
from bot.slack.richtext import Block

RUN_ON_THIS = "run-on-message"
"""Callback id of the shortcut."""


async def received(call: Call, desk: Desk) -> Reply:
    """Any shortcut."""
    handler = SHORTCUTS.get(call.name)
    return await handler(call, desk) if handler else Reply()


async def run_on_this(call: Call, desk: Desk) -> Reply:
    """A form: which workflow, best guess first, with the message or its thread filled in."""
    actor = await desk.people.actor(call.person)
    everything = await desk.catalogue.released(actor)
    if not everything:
        return Reply(after=lambda: desk.tell(call, list_message(everything)))
    words = plain_text(call.text)
    best = (await desk.catalogue.route(words, actor) if words else ()) or everything

    async def show() -> None:
        form = await _form(call, desk, everything, best[0], words)
        await open_form(call, desk, form, notice(text.form_expired(text.RUN_ON_THIS, "")))

    return Reply(after=show)


async def rechoose(call: Call, desk: Desk, entered: Mapping[str, str]) -> Reply:
    """The form again, for another workflow; the longest text entered is taken along."""
    actor = await desk.people.actor(call.person)
    everything = await desk.catalogue.released(actor)
    chosen = await desk.catalogue.find(call.value, actor)
    words = max(entered.values(), key=len, default="")
    place = {name: str(call.metadata.get(name, "")) for name in ("channel", "thread_ts", "message_ts")}

    async def show() -> None:
        form = await _form(call, desk, everything, chosen, words, place)
        await desk.gateway.update_view(call.view_id, form)

    return Reply(after=show)


async def _form(
    call: Call,
    desk: Desk,
    everything: Sequence[Released],
    chosen: Released,
    words: str,
    place: Mapping[str, str] | None = None,
) -> Block:
    memory = {**memory_of(call, "shortcut"), **(place or {})}
    memory["response_url"] = call.response_url or str(call.metadata.get("response_url", ""))
    thread = ""
    if wants_thread(chosen) and memory["channel"]:
        thread = await thread_text(desk, memory["channel"], memory["thread_ts"] or memory["message_ts"])
    prefill = prefill_of(values_from(chosen, words, thread), chosen, whole_thread=bool(thread))
    return choose_form(
        everything, chosen, memory, prefill=prefill, can_be_public=is_channel(memory["channel"])
    )


def prefill_of(values: Mapping[str, str], chosen: Released, *, whole_thread: bool) -> Prefill:
    """A thread longer than a field shows its beginning and is read again when the form is sent."""
    taken = {
        name: value
        for name, value in values.items()
        if len(value) > FIELD_CHARACTERS and whole_thread and chosen.workflow.inputs[name].source == "thread"
    }
    return Prefill({name: value for name, value in values.items() if name not in taken}, {}, taken)


SHORTCUTS: Mapping[str, Handler] = {RUN_ON_THIS: run_on_this, **KNOWLEDGE_SHORTCUTS}
