"""Keeps other sites in the same browser out: this server trusts whoever reaches it, so only the page may."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob: https:; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@web.middleware
async def loopback_guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse other names of this machine (DNS rebinding) and requests that other pages cause."""
    if request.host.rpartition(":")[0] not in HOSTS and request.host not in HOSTS:
        raise web.HTTPForbidden(text="this server answers only to its loopback address")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        raise web.HTTPForbidden(text="requests from other pages are refused")
    site = request.headers.get("Sec-Fetch-Site", "none")
    is_page = request.path == "/" or request.path.startswith("/archives/")
    is_navigation = request.headers.get("Sec-Fetch-Mode") == "navigate" and is_page
    if site in ("cross-site", "same-site") and not is_navigation:
        raise web.HTTPForbidden(text="requests from other pages are refused")
    return await handler(request)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """What every answer tells the browser not to do."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
