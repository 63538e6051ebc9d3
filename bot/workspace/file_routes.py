"""/upload and /files: the bytes of files."""

from aiohttp import web

from bot.workspace.file_shelf import INLINE, SIZE_LIMIT, StoredFile
from bot.workspace.refusal import Refusal
from bot.workspace.site import Site


async def take_upload(site: Site, request: web.Request) -> web.Response:
    """The second step of an upload: raw bytes, or a form with one file."""
    try:
        file = site.shelf.find(request.match_info["file_id"])
    except Refusal:
        raise web.HTTPNotFound(text="no such upload") from None
    if file.is_complete:
        raise web.HTTPConflict(text="this upload is finished")
    file.content = await read_file(request)
    return web.Response(text=f"OK - {len(file.content)}")


async def read_file(request: web.Request) -> bytes:
    """The file in a request's body; too large is refused while reading."""
    if request.content_type == "multipart/form-data":
        reader = await request.multipart()
        part = await reader.next()
        return bytes(await part.read()) if part is not None and hasattr(part, "read") else b""
    content = bytearray()
    async for piece in request.content.iter_chunked(64 * 1024):
        content += piece
        if len(content) > SIZE_LIMIT:
            raise web.HTTPRequestEntityTooLarge(SIZE_LIMIT, len(content))
    return bytes(content)


async def give_file(site: Site, request: web.Request) -> web.Response:
    """A file, to whoever has a bot token with files:read, or the key that the page was given."""
    try:
        file = site.shelf.find(request.match_info["file_id"])
    except Refusal:
        raise web.HTTPNotFound(text="no such file") from None
    if not _may_read(site, file, request):
        raise web.HTTPForbidden(text="a token with files:read is needed")
    kind = "inline" if file.mimetype in INLINE else "attachment"
    headers = {"Content-Disposition": kind, "Content-Security-Policy": "sandbox; default-src 'none'"}
    return web.Response(body=file.content, content_type=file.mimetype, headers=headers)


def _may_read(site: Site, file: StoredFile, request: web.Request) -> bool:
    if request.query.get("key") == file.key:
        return True
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = site.options.bot_token
    is_known = token == expected if expected else token.startswith("xoxb-")
    return scheme == "Bearer" and is_known and "files:read" in site.installation.scopes
