"""Sending and closing modals: the form's own checks, then what the app answers."""

from typing import Any

from bot.workspace.block_state import form_errors, state_values
from bot.workspace.interactions import Interactions, Outcome
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal
from bot.workspace.site import Site
from bot.workspace.view_desk import OpenView

TROUBLE = "We had some trouble connecting. Try again?"


class ModalDialogue:
    """Submissions and closings."""

    def __init__(self, site: Site, interactions: Interactions) -> None:
        self._site = site
        self._interactions = interactions

    async def submit(self, person: str, view_id: str, values: Json) -> Outcome:
        """Send a modal; errors keep it open."""
        view = self._site.desk.find(view_id)
        if view is None or view.person != person:
            return Outcome(ok=False, error="view_not_found", message="This dialog is no longer open.")
        filled = state_values(view.blocks, values)
        errors = form_errors(view.blocks, filled)
        if errors:
            return Outcome(ok=False, error="form_errors", errors=errors)
        view.values = filled
        payload = self._payload(view, "view_submission")
        payload |= {"trigger_id": self._site.triggers.issue(person, view.id), "response_urls": []}
        outcome = await self._interactions.deliver(person, "interactive", payload)
        return self._follow(view, outcome.payload) if outcome.ok else outcome

    async def close(self, person: str, view_id: str) -> Outcome:
        """Dismiss a modal; the app hears of it when it asked to."""
        view = self._site.desk.find(view_id)
        if view is None or view.person != person:
            return Outcome(ok=False, error="view_not_found")
        whole = bool(view.body.get("clear_on_close"))
        for gone in self._site.desk.close(view, whole_stack=whole):
            if gone.body.get("notify_on_close"):
                payload = self._payload(gone, "view_closed") | {"is_cleared": whole}
                await self._interactions.deliver(person, "interactive", payload)
        return Outcome()

    def _payload(self, view: OpenView, kind: str) -> Json:
        return self._interactions.person_facts(view.person) | {"type": kind, "view": view.as_slack()}

    def _follow(self, view: OpenView, reply: Json) -> Outcome:
        """Do what the acknowledgement says: nothing (close), errors, update, push or clear."""
        try:
            match reply.get("response_action"):
                case "errors":
                    return self._errors(view, reply.get("errors"))
                case "update":
                    self._site.desk.update(view, reply.get("view"))
                case "push":
                    self._site.desk.push(view.person, reply.get("view"))
                case "clear":
                    self._site.desk.close(view, whole_stack=True)
                case _:
                    self._site.desk.close(view)
        except Refusal as refusal:
            self._site.toast(view.person, TROUBLE)
            return Outcome(ok=False, error=refusal.error, message=TROUBLE, payload=refusal.facts)
        return Outcome(payload=reply)

    def _errors(self, view: OpenView, errors: Any) -> Outcome:
        inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
            raise Refusal("invalid_response_errors", errors=errors)
        return Outcome(ok=False, error="form_errors", errors=errors)
