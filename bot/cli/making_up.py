"""Making up a history, to try reports on before there is one."""

from typing import Annotated

import typer

from bot.bootstrap import Product
from bot.cli import console
from bot.cli.keeping import act
from bot.services.seeding import SeedPlan
from bot.shipped import load_shipped


def seed(
    runs: Annotated[int, typer.Option(help="How many runs.", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="The same number makes the same history.")] = 7,
    weeks: Annotated[int, typer.Option(help="How many whole weeks back it goes.", min=1, max=520)] = 6,
    workflows: Annotated[
        int,
        typer.Option(
            help="How many workflows; those that are not released are made up; 0 for the released.", min=0
        ),
    ] = 0,
    force: Annotated[bool, typer.Option("--force", help="Even if there are runs already.")] = False,
) -> None:
    """Write a made-up history of runs, votes, costs and releases into the database."""

    async def work(product: Product) -> bool:
        with console.progress_bar("Reading the shipped handbook") as follow:
            await load_shipped(product, follow)
        released = [item.name for item in await product.catalogue.released()]
        wanted = workflows or len(released)
        names = (*released[:wanted], *(f"desk-{number:02}" for number in range(len(released), wanted)))
        plan = SeedPlan(runs, seed, weeks, names, adds=force)
        with console.progress_bar("Making up history") as follow:
            calendar = await product.seeding().write(plan, follow)
        time = f"from {calendar.since:%d %B %Y} to {calendar.until:%d %B %Y}"
        console.out.print(f"{runs} runs of {len(names)} workflows, {time}")
        return True

    act(work)
