"""Thumbs, and the form after a thumbs down."""

from collections.abc import Mapping

import structlog

from bot.services.run_views import RunView
from bot.slack import feedback_text as words
from bot.slack import text
from bot.slack.blocks import VOTE, notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.feedback_forms import COMPLAINT, MORE, complaint_form, noted_down, read_complaint
from bot.slack.form_replies import closing_with
from bot.slack.gateway import SlackBusy, SlackRefused, SlackUncertain
from bot.slack.payloads import Call, UnreadableClick

log = structlog.get_logger(__name__)


async def vote(call: Call, desk: Desk) -> Reply:
    """Thumbs: on record before anything else happens."""
    rating, _, run_id = call.value.partition(":")
    if rating not in ("up", "down") or not run_id:
        raise UnreadableClick(call.name)
    actor = await desk.people.actor(call.person)
    kept = await desk.feedback.record(actor, run_id, "up" if rating == "up" else "down")
    if kept.rating == "up":
        return Reply(after=lambda: desk.tell(call, notice(text.thanks(kept.changed))))

    async def ask() -> None:
        opened = await _open(call, desk, await desk.runs.view(run_id))
        await desk.tell(call, noted_down(run_id, changed=kept.changed, opened=opened))

    return Reply(after=ask)


async def more(call: Call, desk: Desk) -> Reply:
    """The form once more, for whom it did not open or who closed it."""
    view = await desk.runs.view(call.value)

    async def ask() -> None:
        if not await _open(call, desk, view):
            await desk.tell(call, noted_down(view.id, changed=False, opened=False))

    return Reply(after=ask)


async def complained(call: Call, desk: Desk) -> Reply:
    """The form was sent off."""
    run_id = call.remembered("run")
    reason, correction = read_complaint(call.state)
    actor = await desk.people.actor(call.person)
    kept = await desk.feedback.complain(actor, run_id, reason, correction)
    said = words.taken_up(bool(kept.correction)) if kept.reason or kept.correction else words.nothing_said()
    return closing_with(call, desk, notice(said))


async def _open(call: Call, desk: Desk, view: RunView) -> bool:
    """Whether the form is before the person; Slack gives three seconds and may be too busy."""
    said = await desk.feedback.complaint(call.person, view.id)
    try:
        await desk.gateway.open_view(call.trigger_id, complaint_form(view, said, call.place))
    except (SlackBusy, SlackRefused, SlackUncertain) as error:
        log.info("complaint.form_not_opened", run=view.id, error=type(error).__name__, **error.facts)
        return False
    return True


FEEDBACK_ACTIONS: Mapping[str, Handler] = {VOTE: vote, MORE: more}
FEEDBACK_VIEWS: Mapping[str, Handler] = {COMPLAINT: complained}
