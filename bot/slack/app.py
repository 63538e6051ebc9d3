"""The Bolt app: one listener a kind of request, our own tables behind it, and the socket it may come over."""

import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack import payloads
from bot.slack.payloads import Kind
from bot.slack.reception import Reception

EVERY = re.compile("")
"""Bolt only tells the kinds apart; what a name means is looked up in the tables of each kind's module."""


def build_app(reception: Reception) -> AsyncApp:
    """The app around a desk. Requests are answered when the handler returns, not by polling for its ack.

    What reaches it is Slack's: the door has checked the signature, or it came over our own socket.
    """
    app = AsyncApp(
        # or it keeps the source of every file on the stack, to name itself after one
        name="spanwise",
        client=reception.desk.gateway.client,
        request_verification_enabled=False,
        process_before_response=True,
        attaching_conversation_kwargs_enabled=False,
        attaching_function_token_enabled=False,
    )

    def listener(kind: Kind) -> Callable[[dict[str, Any], AsyncBoltRequest], Awaitable[BoltResponse]]:
        async def listen(body: dict[str, Any], request: AsyncBoltRequest) -> BoltResponse:
            return await reception.receive(kind, body, payloads.repetition(request.headers))

        return listen

    app.command(EVERY)(listener("command"))
    app.action(EVERY)(listener("action"))
    app.view(EVERY)(listener("view"))
    app.shortcut(EVERY)(listener("shortcut"))
    app.event(EVERY)(listener("event"))
    return app


@contextlib.asynccontextmanager
async def socket_open(app: AsyncApp, app_token: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Hold open the socket over which Slack sends; what it gives says whether it is connected just now."""
    handler = AsyncSocketModeHandler(app, app_token)
    # bolt leaves these methods without types
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield handler.client.is_connected
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]
