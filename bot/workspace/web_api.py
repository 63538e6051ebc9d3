"""The Web API's front door: arguments, token, scopes, limits, faults, then the method."""

import json
import math
import secrets
from collections import deque
from collections.abc import Callable, Mapping

from aiohttp import web

from bot.workspace import (
    app_methods,
    chat_methods,
    conversation_methods,
    file_methods,
    people_methods,
    stream_methods,
    view_methods,
)
from bot.workspace.channel_access import demand
from bot.workspace.faults import Fault
from bot.workspace.method_table import RULES, Rule
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal
from bot.workspace.site import Site
from bot.workspace.wire import read_arguments

Method = Callable[[Site, Json], Json]
CALLS_REMEMBERED = 10_000
HOLD_S = 120.0
"""How long a call that is never answered is held open."""

METHODS: Mapping[str, Method] = {
    "api.test": people_methods.api_test,
    "apps.connections.open": app_methods.open_connection,
    "apps.manifest.update": app_methods.update_manifest,
    "assistant.threads.setStatus": people_methods.set_status,
    "auth.test": people_methods.auth_test,
    "blocks.validate": people_methods.validate_blocks,
    "bots.info": people_methods.bots_info,
    "chat.appendStream": stream_methods.append,
    "chat.delete": chat_methods.delete,
    "chat.getPermalink": chat_methods.permalink,
    "chat.postEphemeral": chat_methods.post_ephemeral,
    "chat.postMessage": chat_methods.post_message,
    "chat.startStream": stream_methods.start,
    "chat.stopStream": stream_methods.stop,
    "chat.update": chat_methods.update,
    "conversations.history": conversation_methods.history,
    "conversations.info": conversation_methods.info,
    "conversations.list": conversation_methods.listing,
    "conversations.members": conversation_methods.members,
    "conversations.open": conversation_methods.open_direct,
    "conversations.replies": conversation_methods.replies,
    "files.completeUploadExternal": file_methods.complete_upload,
    "files.getUploadURLExternal": file_methods.upload_url,
    "files.info": file_methods.file_info,
    "reactions.add": conversation_methods.react,
    "team.info": people_methods.team_info,
    "usergroups.list": people_methods.usergroups_list,
    "usergroups.users.list": people_methods.usergroup_users,
    "users.info": people_methods.users_info,
    "users.list": people_methods.users_list,
    "views.open": view_methods.open_view,
    "views.publish": view_methods.publish_view,
    "views.push": view_methods.push_view,
    "views.update": view_methods.update_view,
}


class WebApi:
    """Serves /api/<method>."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.calls: deque[tuple[str, Json]] = deque(maxlen=CALLS_REMEMBERED)
        """The calls that came, with their arguments."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        method = request.match_info["method"]
        try:
            args, token = await read_arguments(request)
            rule = self._admit(method, token)
        except Refusal as refusal:
            return self._reply(refusal.as_slack())
        self.calls.append((method, args))
        channel = str(args.get("channel") or args.get("channel_id") or "")
        fault = self._site.faults.take(method, channel)
        if fault is not None and not fault.effect.endswith("_after_store"):
            return self._spoiled(request, fault)
        wait = self._site.tiers.seconds_to_wait(method, rule, channel) if self._is_limited else 0.0
        if wait > 0:
            return _rate_limited(math.ceil(wait))
        body = self._call(method, rule, args)
        if fault is not None:
            return await self._lost(request, fault, body)
        return self._reply(body)

    @property
    def _is_limited(self) -> bool:
        return self._site.options.has_rate_limits

    def _admit(self, method: str, token: str) -> Rule:
        rule = RULES.get(method)
        if rule is None:
            raise Refusal("unknown_method", req_method=method)
        if rule.caller == "anyone":
            return rule
        if not token:
            raise Refusal("not_authed")
        options = self._site.options
        prefix, expected = {
            "bot": ("xoxb-", options.bot_token),
            "app": ("xapp-", options.app_token),
            "config": ("xoxe", ""),
        }[rule.caller]
        if not token.startswith(("xoxb-", "xapp-", "xoxe", "xoxp-")):
            raise Refusal("invalid_auth")
        if not token.startswith(prefix):
            raise Refusal("not_allowed_token_type")
        if expected and not secrets.compare_digest(token.encode(), expected.encode()):
            raise Refusal("invalid_auth")
        return rule

    def _call(self, method: str, rule: Rule, args: Json) -> Json:
        try:
            demand(self._site, *rule.scopes)
            return METHODS[method](self._site, args)
        except Refusal as refusal:
            return refusal.as_slack()

    def _reply(self, body: Json) -> web.Response:
        scopes = ",".join(self._site.installation.scopes)
        return web.json_response(body, headers={"x-oauth-scopes": scopes})

    def _spoiled(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        match fault.effect:
            case "status":
                return web.Response(status=fault.status, text="")
            case "rate_limited":
                return _rate_limited(fault.retry_after)
            case "drop":
                return _hang_up(request)
            case _:
                return self._reply({"ok": False, "error": fault.error})

    async def _lost(self, request: web.Request, fault: Fault, body: Json) -> web.StreamResponse:
        """It was done, but its answer does not arrive."""
        if fault.effect == "status_after_store":
            return web.Response(status=fault.status, text=json.dumps(body))
        if fault.effect == "timeout_after_store":
            await self._site.clock.sleep(HOLD_S)
        return _hang_up(request)


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _rate_limited(seconds: int) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(seconds)})
