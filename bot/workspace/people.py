"""What people can do here, for the page and for tests alike."""

from collections.abc import Awaitable, Callable, Sequence

from bot.workspace.composer import typed
from bot.workspace.content import TEXT_LIMIT
from bot.workspace.event_feed import EventFeed
from bot.workspace.file_shelf import StoredFile
from bot.workspace.interactions import Interactions
from bot.workspace.modal_dialogue import ModalDialogue
from bot.workspace.postman import Postman
from bot.workspace.refusal import Refusal
from bot.workspace.site import Site
from bot.workspace.town_records import Message
from bot.workspace.view_desk import OpenView


class People:
    """Every act of a person; what concerns the app goes through the postman."""

    def __init__(self, site: Site, postman: Postman, refresh_app: Callable[[], Awaitable[None]]) -> None:
        self.site = site
        self.refresh_app = refresh_app
        self.interactions = Interactions(site, postman)
        self.modals = ModalDialogue(site, self.interactions)
        self._postman = postman
        self._events = EventFeed(site, postman)

    @property
    def is_app_connected(self) -> bool:
        """Whether the app can be reached."""
        return self._postman.is_connected

    def say(
        self, person: str, channel_id: str, text: str, thread_ts: str = "", files: Sequence[str] = ()
    ) -> Message:
        """Write a message as a person."""
        channel = self.site.town.channels.get(channel_id)
        if person not in self.site.town.users:
            raise Refusal("user_not_found")
        if channel is None or (channel.is_private and person not in channel.members):
            raise Refusal("channel_not_found")
        if person not in channel.members:
            self.site.town.join(channel_id, person)
        if not text.strip() and not files:
            raise Refusal("no_text")
        root = channel.messages.get(thread_ts)
        if thread_ts and root is None:
            raise Refusal("thread_not_found")
        attached = [self.site.shelf.find(one).as_slack(self.site.base_url) for one in files]
        message = self.site.town.say(
            Message(
                ts="",
                channel=channel_id,
                user=person,
                text=typed(self.site.town, text)[:TEXT_LIMIT],
                thread_ts=(root.thread_ts or root.ts) if root else "",
                files=attached,
                subtype="file_share" if attached else "",
            )
        )
        self._hint_at_invitation(message)
        return message

    def upload(self, person: str, name: str, content: bytes) -> StoredFile:
        """Put a person's file on the shelf."""
        if person not in self.site.town.users:
            raise Refusal("user_not_found")
        file = self.site.shelf.promise(name, len(content), person)
        file.content = content
        return self.site.shelf.finish(file.id)

    def open_home(self, person: str) -> OpenView | None:
        """Look at the app's home; the view as it is, before the app hears of it."""
        self._events.home_opened(person)
        return self.site.desk.homes.get(person)

    def _hint_at_invitation(self, message: Message) -> None:
        bot = self.site.bot_user_id
        channel = self.site.town.channels[message.channel]
        if f"<@{bot}>" in message.text and bot not in channel.members:
            name = self.site.town.users[bot].name
            note = f"@{name} is not in this channel and cannot see this. /invite @{name} brings it in."
            self.site.toast(message.user, note, "info")
