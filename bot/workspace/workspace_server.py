"""The local workspace: one loopback port that is Slack to the app and a web page to people."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.workspace.app_methods import install
from bot.workspace.clockwork import Clock, SystemClock
from bot.workspace.default_town import default_town
from bot.workspace.faults import Faults
from bot.workspace.file_routes import give_file, take_upload
from bot.workspace.file_shelf import SIZE_LIMIT
from bot.workspace.installation import Installation
from bot.workspace.live_feed import LiveFeed
from bot.workspace.loopback_guard import add_headers, loopback_guard
from bot.workspace.noticeboard import Json
from bot.workspace.page_routes import PageRoutes
from bot.workspace.people import People
from bot.workspace.postman import Postman
from bot.workspace.reply_desk import ReplyDesk
from bot.workspace.signed_http import SignedHttp
from bot.workspace.site import Options, Site
from bot.workspace.socket_link import SocketLink
from bot.workspace.town import Town
from bot.workspace.web_api import WebApi

LOOPBACK = "127.0.0.1"
PAGE = Path(__file__).parent / "page"


class Workspace:
    """Start it, point `SLACK_API_URL` at `api_url`, and the app runs unchanged."""

    def __init__(
        self,
        manifest: Mapping[str, Any],
        *,
        port: int = 0,
        town: Town | None = None,
        clock: Clock | None = None,
        options: Options | None = None,
        request_url: str | None = None,
        signing_secret: str = "",
    ) -> None:
        site = Site.build(
            town or default_town(), Installation.of(manifest), clock or SystemClock(), options or Options()
        )
        self.site = site
        self.link = SocketLink(site)
        self.api = WebApi(site)
        transport = SignedHttp(site.clock, request_url, signing_secret) if request_url else self.link
        self.people = People(site, Postman(site, transport), self.link.refresh)
        self._live = LiveFeed(site)
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def town(self) -> Town:
        """Who is here and what was said."""
        return self.site.town

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self.site.faults

    @property
    def base_url(self) -> str:
        """The address of the page, without a slash at its end."""
        return self.site.base_url

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL is set to."""
        return f"{self.site.base_url}/api/"

    @property
    def calls(self) -> list[tuple[str, Json]]:
        """The Web API calls so far (the last ten thousand): method and arguments."""
        return list(self.api.calls)

    def install(self, manifest: Mapping[str, Any]) -> None:
        """Replace the app's manifest, at once."""
        install(self.site, dict(manifest))

    async def refresh_connections(self) -> None:
        """Make the app reconnect, as Slack does every few hours."""
        await self.link.refresh()

    async def start(self) -> str:
        """Listen on the loopback interface; answers the base URL."""
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        listener = web.TCPSite(self._runner, LOOPBACK, self._port)
        await listener.start()
        port = self._runner.addresses[0][1]
        self.site.base_url = f"http://{LOOPBACK}:{port}"
        return self.site.base_url

    async def stop(self) -> None:
        """Close every connection and forget what was under way."""
        tasks = tuple(self.site.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._live.close()
        await self.link.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[loopback_guard], client_max_size=SIZE_LIMIT)
        app.on_response_prepare.append(add_headers)
        app.router.add_route("*", "/api/{method}", self.api.handle)
        app.router.add_get("/link/", self.link.handle)
        app.router.add_post("/response/{key}", ReplyDesk(self.site).handle)
        app.router.add_post("/upload/{file_id}", partial(take_upload, self.site))
        app.router.add_get("/files/{file_id}/{name}", partial(give_file, self.site))
        app.router.add_get("/page/live", self._live.handle)
        app.router.add_routes(PageRoutes(self.people).routes())
        if PAGE.is_dir():
            app.router.add_get("/", _index)
            app.router.add_get("/archives/{place:.+}", _index)
            app.router.add_static("/", PAGE)
        return app


async def _index(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})
