"""Turns what happens in town into the events the app subscribed to."""

from collections.abc import Iterator

from bot.workspace.noticeboard import Json, Notice
from bot.workspace.postman import Postman
from bot.workspace.site import Site
from bot.workspace.town_records import ChannelKind, Message

SUBSCRIPTIONS: dict[ChannelKind, str] = {
    "channel": "message.channels",
    "group": "message.groups",
    "im": "message.im",
}


class EventFeed:
    """Listens to the noticeboard and announces events, the app's own messages included."""

    def __init__(self, site: Site, postman: Postman) -> None:
        self._site = site
        self._postman = postman
        site.town.noticeboard.subscribe(self._read)

    def home_opened(self, person: str) -> None:
        """Somebody looks at the app's home."""
        event: Json = {"user": person, "channel": self._site.town.direct(person, self._site.bot_user_id).id}
        home = self._site.desk.homes.get(person)
        event |= {"tab": "home"} | ({"view": home.as_slack()} if home else {})
        self._announce("app_home_opened", {"type": "app_home_opened", **event})

    def _read(self, notice: Notice) -> None:
        channel = self._site.town.channels.get(notice.channel)
        if notice.person or channel is None or self._site.bot_user_id not in channel.members:
            return
        for name, event in self._events(notice, channel.kind):
            self._announce(name, event)

    def _events(self, notice: Notice, kind: ChannelKind) -> Iterator[tuple[str, Json]]:
        place: Json = {"channel": notice.channel, "channel_type": kind}
        match notice.kind:
            case "message":
                body = self._site.town.as_slack(notice.subject) | {"team": self._site.town.team_id}
                yield SUBSCRIPTIONS[kind], body | place
                if self._is_mention(notice.subject) and kind != "im":
                    mention = {key: value for key, value in body.items() if key != "subtype"}
                    yield "app_mention", mention | {"type": "app_mention", "channel": notice.channel}
            case "message_changed":
                changed = {
                    "message": self._site.town.as_slack(notice.subject),
                    "previous_message": notice.before,
                }
                yield SUBSCRIPTIONS[kind], self._hidden("message_changed", changed | place)
            case "message_deleted":
                gone = {"deleted_ts": notice.subject.ts, "previous_message": notice.before}
                yield SUBSCRIPTIONS[kind], self._hidden("message_deleted", gone | place)
            case "reaction":
                name, user = notice.before
                item = {"type": "message", "channel": notice.channel, "ts": notice.subject.ts}
                event = {"type": "reaction_added", "reaction": name, "user": user, "item": item}
                yield "reaction_added", event | {"item_user": notice.subject.user}
            case "joined":
                event = {"type": "member_joined_channel", "user": notice.subject, "channel": notice.channel}
                yield "member_joined_channel", event | {"team": self._site.town.team_id}
            case _:
                pass

    def _is_mention(self, message: Message) -> bool:
        return message.user != self._site.bot_user_id and f"<@{self._site.bot_user_id}>" in message.text

    def _hidden(self, subtype: str, facts: Json) -> Json:
        return {
            "type": "message",
            "subtype": subtype,
            "hidden": True,
            "ts": self._site.town.next_ts(),
        } | facts

    def _announce(self, name: str, event: Json) -> None:
        if name not in self._site.installation.events:
            return
        site = self._site
        event.setdefault("event_ts", event.get("ts") or site.town.next_ts())
        who: Json = {"enterprise_id": None, "team_id": site.town.team_id, "user_id": site.bot_user_id}
        who |= {"is_bot": True, "is_enterprise_install": False}
        self._postman.announce(
            {
                "token": "local-workspace",
                "team_id": site.town.team_id,
                "api_app_id": site.app_id,
                "event": event,
                "type": "event_callback",
                "event_id": site.town.next_id("Ev"),
                "event_time": int(site.clock.now()),
                "authorizations": [who],
                "is_ext_shared_channel": False,
                "event_context": "",
            }
        )
