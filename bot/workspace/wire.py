"""Reads the arguments of a call, however they were sent: JSON, form or query."""

import json
from typing import Any

from aiohttp import web

from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal

STRUCTURED = frozenset(
    {
        "blocks",
        "attachments",
        "view",
        "metadata",
        "files",
        "chunks",
        "message",
        "manifest",
        "loading_messages",
    }
)
"""Arguments that are JSON text when they come in a form or query."""
BOOLEANS = frozenset({"unfurl_links", "unfurl_media", "reply_broadcast", "inclusive", "include_all_metadata"})


async def read_arguments(request: web.Request) -> tuple[Json, str]:
    """The arguments of a call, and its token (from the header, else from the arguments)."""
    args: Json = dict(request.query)
    if request.method == "POST":
        args |= await _body(request)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given = str(args.pop("token", "") or "")
    return {name: _read(name, value) for name, value in args.items()}, token if scheme == "Bearer" else given


async def _body(request: web.Request) -> Json:
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(body, dict):
            raise Refusal("json_not_object")
        return body
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return dict(await request.post())
    return {}


def _read(name: str, value: Any) -> Any:
    if name in STRUCTURED:
        return _decoded(value)
    if name in BOOLEANS and isinstance(value, str):
        return value in ("1", "true", "True")
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
