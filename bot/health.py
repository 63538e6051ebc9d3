"""The health server: `/healthz`, `/readyz` and `/metrics`, for whoever watches the process from outside."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping

import structlog

from bot.adapters.metrics import CONTENT_TYPE_LATEST
from bot.adapters.store.database import Store
from bot.lookout import Watching
from bot.services.health_checks import Health, HealthChecks, PartHealth, backlog_of
from bot.settings import Settings
from bot.slack.http_door import Page, build_pages, open_door

log = structlog.get_logger(__name__)

PORT_SETTING = "SPANWISE_HEALTH_PORT"


@contextlib.asynccontextmanager
async def health_open(
    settings: Settings, watching: Watching, store: Store, checks: HealthChecks
) -> AsyncIterator[None]:
    """Answer probes while inside, unless the port is 0. Raises PortTaken."""
    if not settings.health_port:
        try:
            yield
        finally:
            await checks.close()
        return
    door = build_pages(
        {
            "/healthz": _alive,
            "/readyz": lambda: _ready(checks),
            "/metrics": lambda: _metrics(watching, store),
        }
    )
    runner = await open_door(door, settings.health_port, settings.health_host, setting=PORT_SETTING)
    log.info("health.listening", port=settings.health_port, paths=["/healthz", "/readyz", "/metrics"])
    try:
        yield
    finally:
        await runner.cleanup()
        await checks.close()


async def _alive() -> Page:
    """That the event loop turns is all there is to say."""
    return Page("ok\n")


async def _ready(checks: HealthChecks) -> Page:
    found = await checks.health()
    body = json.dumps({"status": found.status, "parts": _parts(found)}, indent=1)
    return Page(f"{body}\n", status=200 if found.is_ready else 503, content_type="application/json")


def _parts(found: Health) -> Mapping[str, Mapping[str, object]]:
    return {name: _part(part) for name, part in found.parts.items()}


def _part(part: PartHealth) -> Mapping[str, object]:
    said = {"detail": part.detail, "next": part.next}
    return {
        "state": part.state,
        "needed": part.needed,
        **{key: value for key, value in said.items() if value},
    }


async def _metrics(watching: Watching, store: Store) -> Page:
    page = watching.metrics.page(await backlog_of(store))
    return Page(page.decode(), content_type=CONTENT_TYPE_LATEST)
