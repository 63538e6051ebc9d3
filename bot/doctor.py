"""Examines each part of an installation and says how to fix what is wrong."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.adapters.profiles import SHIPPED, ModelProfile, ModelProfiles, read_profiles
from bot.adapters.provider_reach import why_unreached
from bot.adapters.store.migrate import current_revision, migrate
from bot.adapters.store.store_down import StoreDown
from bot.adapters.system_clock import SystemClock
from bot.bootstrap import Product, build
from bot.cli.console import plain
from bot.groundwork import models_text
from bot.services.contents import MODELS
from bot.services.part_troubles import advice, detail
from bot.services.readers import TERMINAL
from bot.settings import Settings
from bot.shipped import PEOPLE
from bot.shown_urls import without_secrets
from bot.slack.manifest import SCOPES
from bot.slack.refusals_terminal import is_known, sentence
from bot.slack.self_check import Wire, closed_channels, look_at_slack
from workflows.ports import Clock

LEAST_FREE_BYTES = 500 * 1024 * 1024
MOST_DRIFT_S = 60
"""Slack refuses, and our signature check would refuse, requests whose time is further off than minutes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    is_ok: bool
    detail: str
    fix: str = ""


SLACK = "slack"
UNREACHED = "unreachable"
"""What `Wire.error` says where nobody answered."""

Check = Callable[[Product], Awaitable[list[Finding]]]


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; one broken part does not keep the others from being looked at."""
    found = [data_folder(settings)]
    for name, (start, fix) in STARTS.items():
        try:
            await asyncio.to_thread(start, settings)
        except Exception as error:
            found.append(_broken(name, error, _fix_of(error, settings, fix)))
    if not all(finding.is_ok for finding in found):
        # what stands on the others cannot be looked at; Slack does not
        return found + await _look(SLACK, slack_of(settings, SystemClock()))
    product = await asyncio.to_thread(build, settings)
    try:
        for name, check in CHECKS.items():
            found += await _look(name, check(product))
    finally:
        await product.close()
    return found


async def _look(name: str, looking: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        return await looking
    except Exception as error:
        fix = FIXES.get(type(error).__name__, "See the log for details.")
        return [_broken(name, error, fix)]


def _fix_of(error: Exception, settings: Settings, fix: str) -> str:
    if not isinstance(error, StoreDown):
        return FIXES.get(type(error).__name__, fix)
    if error.why != "unreachable":
        return advice("database", error.why)
    return SQLITE_FIX if settings.store_url.startswith("sqlite") else SERVER_FIX


def _broken(name: str, error: Exception, fix: str) -> Finding:
    kind, facts = type(error).__name__, getattr(error, "facts", {})
    if isinstance(error, StoreDown):
        return Finding(name, False, detail(kind, error.why), fix)
    if is_known(kind):
        return Finding(name, False, plain(without_secrets(sentence(kind, facts))), fix)
    listed = ", ".join(f"{key}: {without_secrets(value)}" for key, value in facts.items())
    return Finding(name, False, f"{kind}{f' ({listed})' if listed else ''}", fix)


def data_folder(settings: Settings) -> Finding:
    """Whether the data folder can be written to and has room."""
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_text("")
        probe.unlink()
    except OSError:
        return Finding(
            "data folder",
            False,
            f"{folder} cannot be written to",
            "Set SPANWISE_DATA_DIR to a folder that can.",
        )
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        return Finding("data folder", False, f"{free // 2**20} MiB free in {folder}", "Free some room.")
    return Finding("data folder", True, f"{folder}, {free // 2**30} GiB free")


def _open_database(settings: Settings) -> None:
    migrate(settings.store_url)


def _read_models(settings: Settings) -> None:
    read_profiles(models_text(settings), source=str(settings.models or SHIPPED))


FIXES = {
    "IndexUnreachable": "Start the Chroma server or check CHROMA_URL; until then searches are slower.",
    "SchemaNewer": "Start the version that made it, or restore the backup of before.",
    "SchemaOlder": "Run `python -m bot migrate` with a user who may change tables.",
}
"""What to do about an error, whatever was looked at."""

SERVER_FIX = "Check DATABASE_URL, that the server runs, and that it takes the password."
SQLITE_FIX = (
    "Check SPANWISE_DATA_DIR, or the path in DATABASE_URL: the folder must be there, and this user must be "
    "able to write to it."
)

STARTS: dict[str, tuple[Callable[[Settings], None], str]] = {
    "database": (_open_database, SERVER_FIX),
    "models": (_read_models, "Check SPANWISE_MODELS: the path of a file, and what stands in it."),
}
"""What nothing can be started without."""


async def database(product: Product) -> list[Finding]:
    """Whether the database answers and has this version's tables."""
    revision = await product.store.read(current_revision)
    engine = "SQLite" if product.store.is_sqlite else "PostgreSQL"
    try:
        await product.store.probe()
    except StoreDown as error:
        return [Finding("database", False, detail("", error.why), advice("database", error.why))]
    return [Finding("database", True, f"{engine}, revision {revision}")]


async def index(product: Product) -> list[Finding]:
    """Whether the vector store answers. Raises IndexUnreachable, IndexDamaged."""
    await product.holdings.ping()
    return [Finding("index", True, "answers")]


async def knowledge(product: Product) -> list[Finding]:
    """Whether each collection can be searched."""
    found = []
    for row in await product.holdings.collections():
        retrieval = await product.holdings.search(row.name, "test", 1, TERMINAL)
        found.append(
            Finding(
                f"collection {row.name}",
                bool(retrieval.passages),
                f"revision {row.revision}, searchable" if retrieval.passages else "nothing is found in it",
                "" if retrieval.passages else "Run `python -m bot knowledge reindex`.",
            )
        )
    if not found:
        fix = f"`python -m bot knowledge add <folder> --collection {PEOPLE}` adds some."
        found.append(Finding("collections", False, "there are none yet", fix))
    return found


async def models(product: Product) -> list[Finding]:
    """Whether each alias has what it needs to be called: of the models in force, and of the file named."""
    live = await product.store.read(product.catalogue.versions)
    released, named = live.get((MODELS, MODELS)), product.models.profiles
    if released is None or released.content == models_text(product.settings):
        return await _models(product, named)
    found = [_others(product.settings, released.number)]
    if product.settings.models is not None:
        found += await _models(product, named)
    where = " in force" if product.settings.models is not None else ""
    return found + await _models(product, read_profiles(released.content), where)


async def _models(product: Product, profiles: ModelProfiles, where: str = "") -> list[Finding]:
    looks = (_model(product, profiles.profile(each), f"model {each}{where}") for each in profiles.aliases)
    return list(await asyncio.gather(*looks))


def _others(settings: Settings, number: int) -> Finding:
    named = settings.models or "the built-in model, as SPANWISE_MODELS is empty"
    return Finding(
        "models",
        True,
        f"version {number} is in force, which is not what the setting names ({named})",
        "docs/models.md says which commands put a file in force.",
    )


async def _model(product: Product, profile: ModelProfile, name: str) -> Finding:
    if profile.api_key_env and not product.models.calls.key_of(profile):
        fix = f"Set {profile.api_key_env} in the environment."
        return Finding(name, False, f"{profile.model} has no key", fix)
    why = await why_unreached(profile.api_base) if profile.api_base else ""
    if why:
        fix = "Start what should answer there, or correct `api_base` in the file that SPANWISE_MODELS names."
        return Finding(name, False, f"{profile.model}: nothing answers at {profile.api_base} ({why})", fix)
    return Finding(name, True, profile.model)


async def slack(product: Product) -> list[Finding]:
    """Whether Slack takes our tokens, has granted the scopes, and agrees about the time."""
    return await slack_of(product.settings, product.clock)


async def slack_of(settings: Settings, clock: Clock) -> list[Finding]:
    """As `slack`, for which nothing else has to work."""
    if not settings.slack_bot_token.get_secret_value():
        return [
            Finding(
                "slack",
                False,
                "SLACK_BOT_TOKEN is not set",
                "See README: Connect to your Slack in five steps.",
            )
        ]
    wire = await look_at_slack(
        settings.slack_bot_token.get_secret_value(),
        settings.slack_app_token.get_secret_value(),
        settings.slack_api_url,
    )
    channels = [] if wire.error else await channels_named(settings)
    return [_token(wire), *_scopes(wire), _way_in(wire, settings), _time(wire, clock), *channels]


async def channels_named(settings: Settings) -> list[Finding]:
    """Whether we can post to each channel that a setting names."""
    named = {
        "SPANWISE_ADMIN_CHANNEL": settings.admin_channel,
        "SPANWISE_ALERT_CHANNEL": settings.alert_channel,
        "SPANWISE_REVIEW_CHANNEL": settings.review_channel,
    }
    wanted = {setting: channel for setting, channel in named.items() if channel}
    token = settings.slack_bot_token.get_secret_value()
    closed = await closed_channels(token, wanted.values(), settings.slack_api_url)
    return [
        Finding(
            setting,
            channel not in closed,
            f"{channel}: {closed[channel]}" if channel in closed else f"{channel} can be posted to",
            "Invite the app with `/invite` in that channel, or correct its id." if channel in closed else "",
        )
        for setting, channel in wanted.items()
    ]


def _token(wire: Wire) -> Finding:
    if wire.error:
        again = "Copy the bot token again from the app's OAuth page."
        away = "Check the network of this machine, and SLACK_API_URL where it is set."
        return Finding("slack token", False, wire.error, away if wire.error == UNREACHED else again)
    return Finding("slack token", True, f"{wire.bot} in {wire.team}")


def _scopes(wire: Wire) -> list[Finding]:
    missing = sorted(set(SCOPES) - set(wire.scopes))
    if wire.error or not missing:
        return [] if wire.error else [Finding("slack scopes", True, "all granted")]
    fix = "Update the app from `python -m bot manifest` and install it again."
    return [Finding("slack scopes", False, f"missing {', '.join(missing)}", fix)]


def _way_in(wire: Wire, settings: Settings) -> Finding:
    if settings.uses_socket_mode:
        fix = "" if wire.has_socket else "Make a new app-level token with connections:write."
        return Finding(
            "slack requests", wire.has_socket, "Socket Mode" if wire.has_socket else wire.socket_error, fix
        )
    if settings.signing_secrets:
        return Finding("slack requests", True, f"signed HTTP on port {settings.port}")
    fix = "Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP."
    return Finding("slack requests", False, "no way in is set", fix)


def _time(wire: Wire, clock: Clock) -> Finding:
    if wire.time is None:
        return Finding("clock", True, "no time to compare with")
    drift = abs((clock.now() - wire.time).total_seconds())
    if drift > MOST_DRIFT_S:
        return Finding("clock", False, f"{drift:.0f} s off Slack's", "Set up time synchronisation (NTP).")
    return Finding("clock", True, f"within {drift:.0f} s of Slack's")


CHECKS: dict[str, Check] = {
    "database": database,
    "index": index,
    "knowledge": knowledge,
    "models": models,
    SLACK: slack,
}
