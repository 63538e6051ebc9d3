"""Pictures on their way into messages and modals: uploaded once, shown by the id that Slack gave them."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bot.slack import elements as el
from bot.slack.elements import Outgoing
from bot.slack.gateway import Gateway, SlackRefused, SlackUncertain

T = TypeVar("T")

KEPT = 256
PATIENCE_S = (0.4, 0.8, 1.6)
"""Slack may need a moment before it shows a file that it has taken: how long to wait between tries."""
NOT_READY = frozenset({"invalid_blocks", "invalid_arguments", "slack_file_not_found"})
"""Slack's words for an image it cannot show, yet or any more."""


@dataclass(slots=True)
class Pictures:
    """Uploads images that belong to no conversation; who sees a block with one sees the image."""

    gateway: Gateway
    _files: OrderedDict[str, str] = field(default_factory=OrderedDict)

    def known(self, source: str) -> str:
        """Slack's id of the picture of this source; empty when it was not uploaded yet."""
        return self._files.get(_key(source), "")

    def forget(self, source: str) -> None:
        """Slack no longer has it."""
        self._files.pop(_key(source), None)

    async def put(self, source: str, png: bytes, *, title: str, alt: str) -> str:
        """Upload the picture of a source; its id. Raises SlackBusy, SlackUncertain, SlackRefused."""
        answer = await self.gateway.call(
            "files_upload_v2", file=png, filename=f"{title}.png", title=title, alt_txt=alt
        )
        files = answer.get("files") or [answer.get("file") or {}]
        file_id = str(files[0].get("id", ""))
        if not file_id:
            raise SlackUncertain("no_file_id")
        self._files[_key(source)] = file_id
        while len(self._files) > KEPT:
            self._files.popitem(last=False)
        return file_id


def without_pictures(message: Outgoing) -> Outgoing:
    """The message with what each picture shows said in words; itself when it has none."""
    if not any("slack_file" in block for block in message.blocks):
        return message
    blocks = (
        el.section(el.escape(el.shorten(str(block.get("alt_text", "")), 2500)))
        if "slack_file" in block
        else block
        for block in message.blocks
    )
    return replace(message, blocks=tuple(blocks))


async def shown_in_time(show: Callable[[], Awaitable[T]]) -> T:
    """Do what shows a new picture, again while Slack still takes it in. Raises what `show` raises last."""
    for wait_s in PATIENCE_S:
        try:
            return await show()
        except SlackRefused as error:
            if error.reason not in NOT_READY:
                raise
            await asyncio.sleep(wait_s)
    return await show()


def _key(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()
