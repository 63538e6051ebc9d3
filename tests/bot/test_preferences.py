"""People set things for themselves, and each change is an audit event."""

import pytest

from bot.adapters.store import preferences_log  # noqa: F401 - declares its table
from bot.adapters.store.database import Store
from bot.services.access import Outsider
from bot.services.actors import Actor
from bot.services.preferences import Preferences, UnknownChoice
from tests.fakes import FakeClock


@pytest.fixture
def preferences(store: Store) -> Preferences:
    return Preferences(store, FakeClock())


async def test_the_last_choice_counts_for_that_person_only(preferences: Preferences) -> None:
    assert await preferences.answers("U0ANA") == "workflow"
    assert await preferences.set_answers(Actor("U0ANA"), "channel")
    assert await preferences.set_answers(Actor("U0ANA"), "private")
    assert not await preferences.set_answers(Actor("U0ANA"), "private"), "nothing changed"
    assert await preferences.answers("U0ANA") == "private"
    assert await preferences.answers("U0BEN") == "workflow"


async def test_each_change_is_audited(preferences: Preferences, store: Store) -> None:
    await preferences.set_answers(Actor("U0ANA"), "channel")
    await preferences.set_answers(Actor("U0ANA"), "channel")
    found = store.read_now(
        lambda c: c.exec_driver_sql("SELECT actor, action, target FROM audit_events").all()
    )
    assert [tuple(row) for row in found] == [("U0ANA", "preference.set", "person:U0ANA")]


async def test_outsiders_and_unknown_choices_are_refused(preferences: Preferences) -> None:
    with pytest.raises(Outsider):
        await preferences.set_answers(Actor("U0X", is_outsider=True), "channel")
    with pytest.raises(UnknownChoice):
        await preferences.set_answers(Actor("U0ANA"), "everywhere")
