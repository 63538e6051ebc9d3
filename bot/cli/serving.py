"""Starting what runs until it is stopped."""

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated

import typer

from bot import taking
from bot.adapters.store.backup import back_up
from bot.adapters.store.database import Store
from bot.adapters.store.migrate import migrate as bring_up_to_date
from bot.adapters.store.outbox_log import doubt_waiting
from bot.bootstrap import build
from bot.cli import console
from bot.demo import RUNS, Demo
from bot.entrance import stopping_on_signals
from bot.front import make_data_folder
from bot.processes import EVERYTHING, Part, run_parts
from bot.settings_reading import read_settings
from bot.shipped import load_shipped

QUESTION = "/ask-policy How many days of leave can I carry over?"


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page on this machine.")] = 8765,
) -> None:
    """Run the whole product with a local workspace in place of Slack."""
    _finish(_demo(port))


def serve() -> None:
    """Run everything in this process, against Slack."""
    _finish(_serve(*EVERYTHING))


def slack() -> None:
    """Take Slack's requests and store them; workers do the rest."""
    _finish(_slack())


def worker() -> None:
    """Execute runs and deliver answers."""
    _finish(_serve("worker"))


def clock() -> None:
    """Fire scheduled housekeeping."""
    _finish(_serve("clock"))


def migrate(
    restored: Annotated[
        bool, typer.Option("--restored", help="The database was restored from a copy just now.")
    ] = False,
) -> None:
    """Bring the database up to date; safe to repeat."""
    with console.refusing():
        settings = read_settings()
        make_data_folder(settings)
        console.out.print(f"The database is at revision {bring_up_to_date(settings.store_url)}")
        if restored:
            with contextlib.closing(Store(settings.store_url)) as store:
                doubted = store.write_now(doubt_waiting)
            console.out.print(f"Messages that are looked for in Slack before they are posted: {doubted}")


def backup(
    path: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
) -> None:
    """Copy the SQLite database to a file, while everything runs."""
    with console.refusing():
        size = back_up(read_settings().store_url, path)
        console.out.print(f"{path}: {size / 1e6:.1f} MB, whole and checked", markup=False)


async def _slack() -> None:
    await taking.serve(read_settings())


async def _serve(*parts: Part) -> None:
    async with stopping_on_signals() as stop:
        product = build(read_settings())
        try:
            if "worker" in parts:
                with console.progress_bar("Reading the shipped handbook") as follow:
                    await load_shipped(product, follow)
            await run_parts(product, parts, stop)
        finally:
            await product.close()


async def _demo(port: int) -> None:
    async with stopping_on_signals() as stop:
        demo = Demo(read_settings(), port, history=RUNS)
        try:
            url = await demo.open_page()
            console.out.print(f"The local workspace is at {url}", style="bold")
            with console.progress_bar("Preparing") as follow:
                product = await demo.prepare(follow)
            console.out.print(f"Ready. Open {url} and type in any channel:\n\n    {QUESTION}\n")
            await run_parts(product, EVERYTHING, stop)
        finally:
            await demo.close()


def _finish(work: Coroutine[None, None, None]) -> None:
    with console.refusing():
        asyncio.run(work)
