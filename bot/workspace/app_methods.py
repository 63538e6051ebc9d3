"""apps.*: the app's own connection and manifest."""

import secrets

from bot.workspace.installation import Installation
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import invalid_arguments
from bot.workspace.site import Site


def open_connection(site: Site, _args: Json) -> Json:
    """apps.connections.open: an address that works once."""
    ticket = secrets.token_urlsafe(16)
    site.tickets.add(ticket)
    host = site.base_url.removeprefix("http://")
    return {"ok": True, "url": f"ws://{host}/link/?ticket={ticket}&app_id={site.app_id}"}


def update_manifest(site: Site, args: Json) -> Json:
    """apps.manifest.update: takes effect at once, scopes included."""
    manifest = args.get("manifest")
    if not isinstance(manifest, dict):
        raise invalid_arguments("missing required field: manifest")
    install(site, manifest)
    return {"ok": True, "app_id": site.app_id, "permissions_updated": True}


def install(site: Site, manifest: Json) -> None:
    """Replace the manifest; open pages reload their commands."""
    site.installation = Installation.of(manifest)
    site.tell("channels")
