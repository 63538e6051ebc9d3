"""Socket Mode: the app's web sockets, and the envelopes that travel on them."""

import asyncio
import itertools
import json
import uuid

from aiohttp import WSMsgType, web

from bot.workspace.noticeboard import Json
from bot.workspace.postman import Kind, NotAcknowledged, Retry
from bot.workspace.site import Site

CONNECTIONS_LIMIT = 10


class SocketLink:
    """Up to ten connections; each delivery goes to one of them, in turn."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sockets: list[web.WebSocketResponse] = []
        self._turn = itertools.count()
        self._waiting: dict[str, tuple[web.WebSocketResponse, asyncio.Future[Json]]] = {}

    @property
    def is_connected(self) -> bool:
        """Whether any socket is open."""
        return bool(self._sockets)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection for its whole life; its address works once."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._site.tickets:
            raise web.HTTPForbidden(text="the ticket of this address was used or never issued")
        self._site.tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self._sockets) >= CONNECTIONS_LIMIT:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        await self._greet(socket)
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._take_ack(frame.data)
        finally:
            self._forget(socket)
        return socket

    async def carry(self, kind: Kind, payload: Json, retry: Retry | None = None) -> Json:
        """Send an envelope and wait for its acknowledgement, however long that takes."""
        if not self._sockets:
            raise NotAcknowledged("dispatch_failed")
        socket = self._sockets[next(self._turn) % len(self._sockets)]
        envelope_id = str(uuid.uuid4())
        envelope: Json = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            envelope["retry_attempt"] = retry.attempt if retry else 0
            envelope["retry_reason"] = retry.reason if retry else ""
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = (socket, answer)
        try:
            await socket.send_json(envelope)
            return await answer
        except (ConnectionError, RuntimeError):
            raise NotAcknowledged("dispatch_failed") from None
        finally:
            self._waiting.pop(envelope_id, None)

    async def refresh(self) -> None:
        """Ask every connection to make way for a new one, as Slack does every few hours."""
        for socket in tuple(self._sockets):
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})

    async def close(self) -> None:
        """End every connection."""
        for socket in tuple(self._sockets):
            await socket.close()

    async def _greet(self, socket: web.WebSocketResponse) -> None:
        self._sockets.append(socket)
        hello = {"type": "hello", "num_connections": len(self._sockets)}
        info = {"connection_info": {"app_id": self._site.app_id}, "debug_info": {"host": "local-workspace"}}
        await socket.send_json(hello | info)
        self._site.tell("app", subject=True)

    def _take_ack(self, text: str) -> None:
        try:
            ack = json.loads(text)
        except ValueError:
            return
        waiting = self._waiting.get(ack.get("envelope_id", "")) if isinstance(ack, dict) else None
        if waiting is not None and not waiting[1].done():
            payload = ack.get("payload")
            waiting[1].set_result(payload if isinstance(payload, dict) else {})

    def _forget(self, socket: web.WebSocketResponse) -> None:
        self._sockets.remove(socket)
        for owner, answer in tuple(self._waiting.values()):
            if owner is socket and not answer.done():
                answer.set_exception(NotAcknowledged("operation_timeout"))
        self._site.tell("app", subject=self.is_connected)
