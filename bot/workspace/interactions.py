"""What people do with the app: commands, buttons and menus, shortcuts. Each waits for the acknowledgement."""

from dataclasses import dataclass, field

from bot.workspace.action_shapes import action_of
from bot.workspace.block_state import state_values
from bot.workspace.block_walk import find_element
from bot.workspace.composer import typed_for_command
from bot.workspace.noticeboard import Json
from bot.workspace.postman import Kind, NotAcknowledged, Postman
from bot.workspace.refusal import Refusal
from bot.workspace.reply_desk import answer
from bot.workspace.response_urls import ResponseSlot
from bot.workspace.site import Site
from bot.workspace.town_records import Channel, Message

CHANNEL_NAMES = {"group": "privategroup", "im": "directmessage"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How something a person did went, as the page and tests see it."""

    ok: bool = True
    error: str = ""
    message: str = ""
    """What the person is told."""
    errors: dict[str, str] = field(default_factory=dict)
    """Block id to message, for a form that was sent back."""
    payload: Json = field(default_factory=dict)
    """What the app answered with its acknowledgement."""

    def as_json(self) -> Json:
        """As the page's endpoints answer it."""
        body: Json = {"ok": self.ok}
        facts = {"error": self.error, "message": self.message, "errors": self.errors}
        return body | {key: value for key, value in facts.items() if value}


class Interactions:
    """Builds the payloads and acts on what comes back."""

    def __init__(self, site: Site, postman: Postman) -> None:
        self._site = site
        self._postman = postman

    async def command(self, person: str, channel_id: str, text: str, thread_ts: str = "") -> Outcome:
        """A slash command typed into a channel."""
        name, _, rest = text.strip().partition(" ")
        channel = self._visible(person, channel_id)
        if thread_ts:
            return self._fail(person, "not_in_threads", f"{name} is not supported in threads. Sorry!")
        if name == "/invite":
            return self._invite(person, channel, rest)
        command = self._site.installation.commands.get(name)
        if command is None:
            return self._fail(person, "unknown_command", f"{name} is not a valid command.")
        slot = ResponseSlot(person, channel.id, 0.0)
        payload = self._command_payload(person, channel, name, slot)
        text = typed_for_command(self._site.town, rest, should_escape=bool(command.get("should_escape")))
        try:
            reply = await self._postman.deliver("slash_commands", payload | {"text": text.strip()})
        except NotAcknowledged as failure:
            said = f"{name} failed with the error “{failure.reason}”."
            if not self._postman.is_connected:
                # Slack stops there; what is typed stays in the box, here and there
                said += f" {self._site.installation.name} is not connected: send it again once it is."
            return self._fail(person, failure.reason, said)
        return self._answer_command(person, name, slot, reply)

    async def press(self, person: str, container: Json, action: Json, values: Json | None = None) -> Outcome:
        """A button pressed or a menu used, in a message or a view."""
        if not self._site.installation.is_interactive:
            return self._fail(
                person, "not_interactive", "This app is not configured to handle interactive responses."
            )
        try:
            payload = self._action_payload(person, container, action, values)
        except Refusal as refusal:
            return self._fail(person, refusal.error, f"This did not work: {refusal.error}.")
        return await self.deliver(person, "interactive", payload)

    async def shortcut(self, person: str, callback_id: str, channel: str = "", ts: str = "") -> Outcome:
        """A shortcut of the app: on a message, or a global one."""
        shortcut = self._site.installation.shortcuts.get(callback_id)
        if shortcut is None:
            return self._fail(person, "unknown_shortcut", "This shortcut does not exist.")
        payload = self.person_facts(person) | {"callback_id": callback_id}
        payload |= {"type": "shortcut", "action_ts": self._site.town.next_ts()}
        payload["trigger_id"] = self._site.triggers.issue(person)
        if shortcut.get("type") == "message":
            place = self._visible(person, channel)
            message = self._site.town.find(place.id, ts)
            if message is None:
                return self._fail(person, "message_not_found", "This message is gone.")
            payload |= self._place_facts(place) | {"type": "message_action", "message_ts": ts}
            payload["message"] = self._site.town.as_slack(message)
            slot = ResponseSlot(person, place.id, 0.0, thread_ts=message.thread_ts)
            payload["response_url"] = self._site.response_url(slot)
        return await self.deliver(person, "interactive", payload)

    async def options(
        self, person: str, container: Json, action_id: str, block_id: str, value: str
    ) -> Outcome:
        """The choices of an external select for what was typed so far."""
        payload = self.person_facts(person) | self._container_facts(person, container)
        payload |= {"type": "block_suggestion", "action_id": action_id, "block_id": block_id, "value": value}
        return await self.deliver(person, "interactive", payload)

    async def deliver(self, person: str, kind: Kind, payload: Json) -> Outcome:
        """Deliver; a missing acknowledgement becomes a toast."""
        try:
            return Outcome(payload=await self._postman.deliver(kind, payload))
        except NotAcknowledged as failure:
            return self._fail(person, failure.reason, f"The app did not answer ({failure.reason}).")

    def person_facts(self, person: str) -> Json:
        """What every interaction says about who and where."""
        site, user = self._site, self._site.town.users[person]
        team = {"id": site.town.team_id, "domain": site.town.team_name.lower()}
        who = {"id": person, "username": user.name, "name": user.name, "team_id": site.town.team_id}
        facts: Json = {"user": who, "team": team, "api_app_id": site.app_id, "token": "local-workspace"}
        return facts | {"enterprise": None, "is_enterprise_install": False}

    def _command_payload(self, person: str, channel: Channel, name: str, slot: ResponseSlot) -> Json:
        site = self._site
        return {
            "token": "local-workspace",
            "team_id": site.town.team_id,
            "team_domain": site.town.team_name.lower(),
            "channel_id": channel.id,
            "channel_name": CHANNEL_NAMES.get(channel.kind, channel.name),
            "user_id": person,
            "user_name": site.town.users[person].name,
            "command": name,
            "api_app_id": site.app_id,
            "is_enterprise_install": "false",
            "response_url": site.response_url(slot),
            "trigger_id": site.triggers.issue(person),
        }

    def _answer_command(self, person: str, name: str, slot: ResponseSlot, reply: Json) -> Outcome:
        if not any(reply.get(part) for part in ("text", "blocks")):
            return Outcome(payload=reply)
        try:
            answer(self._site, slot, reply)
        except Refusal as refusal:
            return self._fail(
                person, "invalid_command_response", f"{name} failed with the error “{refusal.error}”."
            )
        return Outcome(payload=reply)

    def _action_payload(self, person: str, container: Json, action: Json, values: Json | None) -> Json:
        facts = self._container_facts(person, container)
        blocks = (facts.get("view") or facts["_source"])["blocks"]
        found = find_element(blocks, str(action.get("action_id")), str(action.get("block_id") or ""))
        if found is None:
            raise Refusal("action_not_found")
        block, element = found
        facts.pop("_source", None)
        payload = self.person_facts(person) | facts | {"type": "block_actions"}
        payload["trigger_id"] = self._site.triggers.issue(person, str(container.get("view_id") or ""))
        payload["actions"] = [action_of(block, element, action) | {"action_ts": self._site.town.next_ts()}]
        state = {"values": state_values(blocks, values)}
        if "view" in payload:
            payload["view"]["state"] = state
        else:
            payload["state"] = state
        return payload

    def _container_facts(self, person: str, container: Json) -> Json:
        if container.get("view_id"):
            view = self._site.desk.find(str(container["view_id"]))
            if view is None or view.person != person:
                raise Refusal("view_not_found")
            return {"container": {"type": "view", "view_id": view.id}, "view": view.as_slack()}
        channel = self._visible(person, str(container.get("channel")))
        message = self._seen(person, channel, str(container.get("ts")))
        body = self._site.town.as_slack(message)
        place: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
        place |= {"is_ephemeral": message.is_ephemeral} | (
            {"thread_ts": message.thread_ts} if message.is_reply else {}
        )
        slot = ResponseSlot(person, channel.id, 0.0, message.ts, message.is_ephemeral, message.thread_ts)
        facts: Json = {"container": place, "_source": body, "response_url": self._site.response_url(slot)}
        return facts | self._place_facts(channel) | ({} if message.is_ephemeral else {"message": body})

    def _seen(self, person: str, channel: Channel, ts: str) -> Message:
        message = self._site.town.find(channel.id, ts) or self._site.town.find_ephemeral(channel.id, ts)
        if message is None or message.only_for not in ("", person):
            raise Refusal("message_not_found")
        return message

    def _visible(self, person: str, channel_id: str) -> Channel:
        """A channel that the person is in, or could join."""
        channel = self._site.town.channels.get(channel_id)
        if channel is None or (channel.is_private and person not in channel.members):
            raise Refusal("channel_not_found")
        return channel

    @staticmethod
    def _place_facts(channel: Channel) -> Json:
        return {"channel": {"id": channel.id, "name": CHANNEL_NAMES.get(channel.kind, channel.name)}}

    def _invite(self, person: str, channel: Channel, text: str) -> Outcome:
        wanted = text.strip().removeprefix("<@").removeprefix("@").removesuffix(">").lower()
        users = self._site.town.users.values()
        user = next((one for one in users if wanted in (one.name, one.id.lower())), None)
        if user is None or channel.kind == "im":
            return self._fail(person, "user_not_found", "/invite @name adds somebody to a channel.")
        self._site.town.join(channel.id, user.id)
        self._site.tell("channels", channel=channel.id)
        return Outcome()

    def _fail(self, person: str, error: str, message: str) -> Outcome:
        self._site.toast(person, message)
        return Outcome(ok=False, error=error, message=message)
