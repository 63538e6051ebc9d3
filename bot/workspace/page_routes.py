"""/page/*: what the web page calls."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.workspace.app_methods import install
from bot.workspace.file_routes import read_file
from bot.workspace.noticeboard import Json
from bot.workspace.page_view import keyed_url, page_messages, page_state, page_view, visible_channels
from bot.workspace.people import People
from bot.workspace.refusal import Refusal, need

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Action = Callable[[Json], Awaitable[Json]]


class PageRoutes:
    """The endpoints of the page; each names the person it acts for."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._site = people.site

    def routes(self) -> list[web.RouteDef]:
        """The routes to register."""
        posts: dict[str, Action] = {
            "/page/messages": self._say,
            "/page/commands": self._command,
            "/page/actions": self._act,
            "/page/views/{view_id}/submit": self._submit,
            "/page/views/{view_id}/close": self._close,
            "/page/shortcuts": self._shortcut,
            "/page/options": self._options,
            "/page/home": self._home,
            "/page/read": self._read,
            "/page/open_dm": self._open_dm,
            "/page/faults": self._fault,
        }
        return [
            web.get("/page/state", self._state),
            web.get("/page/messages", self._messages),
            web.post("/page/files", self._upload),
            web.put("/page/manifest", _json_endpoint(self._manifest)),
            *(web.post(path, _json_endpoint(action)) for path, action in posts.items()),
        ]

    async def _state(self, request: web.Request) -> web.Response:
        person = request.query.get("person") or next(iter(self._site.town.users))
        if person not in self._site.town.users:
            return _refused(Refusal("user_not_found"))
        return web.json_response(page_state(self._site, person, is_connected=self._people.is_app_connected))

    async def _messages(self, request: web.Request) -> web.Response:
        person, channel = request.query.get("person", ""), request.query.get("channel", "")
        if not any(one.id == channel for one in visible_channels(self._site, person)):
            return _refused(Refusal("channel_not_found"))
        found = page_messages(self._site, person, channel, request.query.get("thread_ts", ""))
        return web.json_response({"ok": True, "messages": found})

    async def _upload(self, request: web.Request) -> web.Response:
        content = await read_file(request)
        try:
            name, person = need(dict(request.query), "name"), need(dict(request.query), "person")
            file = self._people.upload(person, name, content)
        except Refusal as refusal:
            return _refused(refusal)
        described = file.as_slack(self._site.base_url) | {"url": keyed_url(self._site, file.id)}
        return web.json_response({"ok": True, "file": described})

    async def _say(self, body: Json) -> Json:
        message = self._people.say(
            need(body, "person"),
            need(body, "channel"),
            str(body.get("text") or ""),
            str(body.get("thread_ts") or ""),
            [str(one) for one in body.get("files") or ()],
        )
        return {"ok": True, "ts": message.ts}

    async def _command(self, body: Json) -> Json:
        outcome = await self._people.interactions.command(
            self._person(body), need(body, "channel"), need(body, "text"), str(body.get("thread_ts") or "")
        )
        return outcome.as_json()

    async def _act(self, body: Json) -> Json:
        container, action = body.get("container"), body.get("action")
        if not isinstance(container, dict) or not isinstance(action, dict):
            raise Refusal("invalid_arguments")
        values = (body.get("state") or {}).get("values")
        return (
            await self._people.interactions.press(self._person(body), container, action, values)
        ).as_json()

    async def _submit(self, body: Json) -> Json:
        values = (body.get("state") or {}).get("values") or {}
        return (await self._people.modals.submit(self._person(body), body["view_id"], values)).as_json()

    async def _close(self, body: Json) -> Json:
        return (await self._people.modals.close(self._person(body), body["view_id"])).as_json()

    async def _shortcut(self, body: Json) -> Json:
        outcome = await self._people.interactions.shortcut(
            self._person(body),
            need(body, "callback_id"),
            str(body.get("channel") or ""),
            str(body.get("message_ts") or ""),
        )
        return outcome.as_json()

    async def _options(self, body: Json) -> Json:
        container = {"view_id": body.get("view_id"), "channel": body.get("channel"), "ts": body.get("ts")}
        names = ("action_id", "block_id", "value")
        outcome = await self._people.interactions.options(
            self._person(body), container, *(str(body.get(name) or "") for name in names)
        )
        found = {key: outcome.payload[key] for key in ("options", "option_groups") if key in outcome.payload}
        return outcome.as_json() | found

    async def _home(self, body: Json) -> Json:
        view = self._people.open_home(self._person(body))
        return {"ok": True, "view": page_view(self._site, view) if view else None}

    async def _read(self, body: Json) -> Json:
        self._site.town.mark_read(self._person(body), need(body, "channel"))
        return {"ok": True}

    async def _open_dm(self, body: Json) -> Json:
        other = need(body, "with")
        if other not in self._site.town.users:
            raise Refusal("user_not_found")
        return {"ok": True, "channel": self._site.town.direct(self._person(body), other).id}

    async def _fault(self, body: Json) -> Json:
        if body.get("effect") == "refresh":
            await self._people.refresh_app()
            return {"ok": True}
        details = {key: value for key, value in body.items() if key not in ("method", "effect")}
        try:
            self._site.faults.add(need(body, "method"), body["effect"], **details)
        except (KeyError, ValueError) as problem:
            raise Refusal("invalid_arguments", detail=str(problem)) from None
        return {"ok": True}

    async def _manifest(self, body: Json) -> Json:
        install(self._site, body)
        return {"ok": True}

    def _person(self, body: Json) -> str:
        person = need(body, "person")
        if person not in self._site.town.users:
            raise Refusal("user_not_found")
        return person


def _json_endpoint(action: Action) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            return _refused(Refusal("invalid_form_data"))
        try:
            body = json.loads(await request.text())
            if not isinstance(body, dict):
                return _refused(Refusal("json_not_object"))
            return web.json_response(await action(body | dict(request.match_info)))
        except ValueError:
            return _refused(Refusal("invalid_json"))
        except Refusal as refusal:
            return _refused(refusal)

    return handle


def _refused(refusal: Refusal) -> web.Response:
    return web.json_response(refusal.as_slack(), status=400)
