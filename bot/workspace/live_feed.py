"""Pushes to the open pages: what each person may see, as it happens."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from bot.workspace.noticeboard import Json, Notice
from bot.workspace.page_view import page_message, page_view
from bot.workspace.site import Site

BACKLOG = 1000
"""Pushes a page may fall behind before it is cut off (and reloads)."""
VIEWS = ("view_opened", "view_updated", "view_pushed", "home")
MESSAGES = ("message", "message_changed", "message_deleted")


@dataclass(slots=True)
class _Page:
    person: str
    pushes: asyncio.Queue[Json]
    socket: web.WebSocketResponse


class LiveFeed:
    """Serves /page/live."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pages: list[_Page] = []
        site.town.noticeboard.subscribe(self._read)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One page, for as long as it is open."""
        person = request.query.get("person", "")
        if person not in self._site.town.users:
            raise web.HTTPNotFound(text="no such person")
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        page = _Page(person, asyncio.Queue(BACKLOG), socket)
        self._pages.append(page)
        writer = asyncio.create_task(_write(page))
        try:
            async for _ in socket:
                pass
        finally:
            self._pages.remove(page)
            writer.cancel()
        return socket

    async def close(self) -> None:
        """End every connection."""
        for page in tuple(self._pages):
            await page.socket.close()

    def _read(self, notice: Notice) -> None:
        pages = [page for page in self._pages if self._may_see(page.person, notice)]
        push = self._push(notice) if pages else None
        for page in pages if push else ():
            try:
                page.pushes.put_nowait(push or {})
            except asyncio.QueueFull:
                self._site.spawn(_end(page.socket))

    def _may_see(self, person: str, notice: Notice) -> bool:
        if notice.person:
            return notice.person == person
        channel = self._site.town.channels.get(notice.channel)
        return channel is None or not channel.is_private or person in channel.members

    def _push(self, notice: Notice) -> Json | None:
        match notice.kind:
            case "channels" | "joined":
                return {"type": "channels"}
            case "app":
                return {"type": "app", "connected": notice.subject}
            case "toast":
                return {"type": "toast", **notice.subject}
            case "status":
                thread_ts, text = notice.subject
                return {"type": "status", "channel": notice.channel, "thread_ts": thread_ts, "text": text}
            case "view_closed":
                return {"type": "view_closed", "view_id": notice.subject.id}
            case "reaction":
                body = page_message(self._site, notice.subject)
                return {"type": "message_changed", "channel": notice.channel, "message": body}
            case kind if kind in VIEWS:
                return {"type": kind, "view": page_view(self._site, notice.subject)}
            case kind if kind in MESSAGES:
                body = page_message(self._site, notice.subject)
                return {"type": kind, "channel": notice.channel, "message": body}
        return None


async def _write(page: _Page) -> None:
    while True:
        await page.socket.send_json(await page.pushes.get())


async def _end(socket: web.WebSocketResponse) -> None:
    await socket.close()
