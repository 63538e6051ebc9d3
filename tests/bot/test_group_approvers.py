"""Who may approve through a user group only is shown the change too, where it stands in no channel."""

from collections.abc import Iterable
from pathlib import Path

from bot.adapters.store.database import Store
from bot.adapters.store.outbox_log import outbox
from bot.governance.roles import Role
from bot.quality.readiness import Holder
from bot.services.actors import Origin
from bot.services.change_work import ChangeWork
from tests.bot.change_desk import ANA, ANSWER, BEN, CLEO, DEV, FRIENDLIER, HERE, ChangeDesk

DIRECT = Origin("dm", "T0SPAN", "D1", visibility="private")
LEADS = "S0LEADS"


class Groups:
    """A Slack that knows one user group."""

    def __init__(self, *members: str) -> None:
        self.members = members
        self.is_away = False
        self.asked = 0

    async def holders(self, grantees: Iterable[str]) -> tuple[Holder, ...]:
        if self.is_away:
            raise TimeoutError
        self.asked += 1
        named = [person for grantee in grantees if grantee == LEADS for person in self.members]
        return tuple(Holder(person, person != "U0GONE", LEADS) for person in named)


async def _proposed(desk: ChangeDesk, groups: Groups, origin: Origin = DIRECT) -> ChangeWork:
    for person in (BEN, CLEO):
        await desk.access.revoke(DEV, person.id, Role.APPROVER)
    await desk.access.grant(DEV, LEADS, Role.APPROVER)
    await desk.changes.propose(ANA, ANSWER, FRIENDLIER, origin=origin)
    work = desk.work()
    work.directory = groups
    await work.drain()
    return work


def _shown(desk: ChangeDesk) -> list[str]:
    query = outbox.select().where(outbox.c.kind == "change").order_by(outbox.c.seq)
    return [row.channel for row in desk.store.read_now(lambda connection: list(connection.execute(query)))]


async def test_members_get_the_card_once_and_neither_its_author_nor_who_left(
    store: Store, tmp_path: Path
) -> None:
    desk = await ChangeDesk(store, tmp_path).open()
    groups = Groups("U0FAY", "U0GONE", ANA.id, "U0GUS")
    groups.is_away = True
    work = await _proposed(desk, groups)
    assert _shown(desk) == [ANA.id]
    groups.is_away = False
    await work.drain()
    await work.drain()
    assert _shown(desk) == [ANA.id, "U0FAY", "U0GUS"] and groups.asked == 1
    again = desk.work()
    again.directory = groups
    await again.drain()
    assert len(_shown(desk)) == 3, "another process shows nobody a second one"


async def test_at_most_twenty_members_are_shown_it(store: Store, tmp_path: Path) -> None:
    desk = await ChangeDesk(store, tmp_path).open()
    await _proposed(desk, Groups(*(f"U{number:03}" for number in range(30))))
    assert len([each for each in _shown(desk) if each[1:].isdigit()]) == 20


async def test_what_stands_in_a_channel_is_shown_there_only(store: Store, tmp_path: Path) -> None:
    desk = await ChangeDesk(store, tmp_path).open()
    await _proposed(desk, Groups("U0FAY"), HERE)
    assert _shown(desk) == ["C0PEOPLE"]
