"""The form after a thumbs down: building it and reading what was entered. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from bot.quality.complaint import reasons_for
from bot.services.complaints import Complaint
from bot.services.run_views import RunView
from bot.slack import elements as el
from bot.slack import feedback_text as words
from bot.slack.blocks import asked_text, notice
from bot.slack.elements import Outgoing
from bot.slack.richtext import Block

COMPLAINT = "complaint-form"
"""Callback id."""
MORE = "complaint-open"
"""Action id of the button that opens the form again."""
REASON, CORRECTION = "complaint-reason", "complaint-correction"
"""Block ids; FIELD is the action id in both."""
FIELD = "value"


def complaint_form(view: RunView, said: Complaint, place: Mapping[str, str]) -> Block:
    """What was wrong and what it should have said, starting from what the person said before."""
    abstained = view.answer is not None and view.answer.abstained
    options = [el.option(words.REASONS[reason], reason) for reason in reasons_for(abstained=abstained)]
    radio: Block = {"type": "radio_buttons", "action_id": FIELD, "options": options}
    chosen = next((option for option in options if option["value"] == said.reason), None)
    text = el.text_input(FIELD, said.correction)
    return el.modal(
        words.TITLE,
        [
            el.section(words.opening(view.title, asked_text(view.inputs))),
            el.field_block(
                REASON,
                words.REASON_LABEL,
                {**radio, "initial_option": chosen} if chosen else radio,
                optional=True,
            ),
            el.field_block(
                CORRECTION, words.CORRECTION_LABEL, text, hint=words.CORRECTION_HINT, optional=True
            ),
        ],
        callback_id=COMPLAINT,
        metadata=json.dumps({**place, "run": view.id}, separators=(",", ":")),
        submit="Send",
        close="Not now",
    )


def read_complaint(state: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Reason and correction; empty where nothing was entered."""
    reason = ((state.get(REASON) or {}).get(FIELD) or {}).get("selected_option") or {}
    correction = ((state.get(CORRECTION) or {}).get(FIELD) or {}).get("value") or ""
    return str(reason.get("value", "")), str(correction)


def noted_down(run_id: str, *, changed: bool, opened: bool) -> Outgoing:
    """The vote is kept; the button opens the form, for whom it did not open or who closed it."""
    button = el.button(words.SAY_MORE, MORE, run_id, about="Say what was wrong with this answer")
    return notice(words.thanks_down(changed, opened), el.actions(button))
