"""The audit trail for people: searched, taken away, signed, and checked against what was posted."""

import csv
import hashlib
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from bot.adapters.audit_key import AuditKey, AuditKeyTooShort, is_signed
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log
from bot.adapters.store.all_tables import metadata
from bot.adapters.store.audit_search import Search
from bot.adapters.store.database import Store
from bot.adapters.store.database_rights import APPEND_ONLY, InvalidRoleName, rights
from bot.adapters.store.outbox_log import outbox
from bot.adapters.store.tables import canonical_json
from bot.governance.checkpoint import (
    Checkpoint,
    SignedCheckpoint,
    UnreadableCheckpoint,
    read_checkpoint,
    slot_of,
)
from bot.governance.roles import Role
from bot.services.access import Access, NotAuthorized, Outsider
from bot.services.actors import Actor
from bot.services.audit_files import COLUMNS
from bot.services.auditing import Auditing, NoAuditKey
from tests.fakes import FakeClock

DEV, AUDITOR, OWNER, ANA = Actor("U0DEV"), Actor("U0AUD"), Actor("U0CHLOE"), Actor("U0ANA")
GUEST = Actor("U0AUD", is_outsider=True)
KEY = AuditKey("correct horse battery staple, and more")
EVENTS = [
    ("U0EVA", "prompt.released", "prompt:ask-policy.answer", {"before": 1, "after": 2}),
    ("U0EVA", "workflow.released", "workflow:ask-policy", {"number": 2}),
    ("U0ANA", "run.requested", "run:r_1", {"workflow": "ask-policy"}),
    ("U0BEN", "document.changed", "people/travel.md", {}),
    ("U0DEV", "prompt.released", "prompt:ask-policy-two.answer", {"before": 1, "after": 2}),
    ("U0ANA", "feedback.recorded", "run:r_1", {"rating": "down"}),
    ("U0DEV", "stage.piloted", "workflow:ask-policy", {"share": 20, "why": "=1+1"}),
]


class Desk:
    def __init__(self, store: Store, key: AuditKey | None = KEY, channel: str = "C0LEADS") -> None:
        self.store, self.clock = store, FakeClock()
        self.access = Access(store, self.clock, ["U0DEV"])
        self.auditing = Auditing(store, self.access, self.clock, WakeUp(), key, channel)

    async def filled(self) -> "Desk":
        await self.access.grant(DEV, "U0AUD", Role.AUDITOR)
        await self.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
        for actor, action, target, context in EVENTS:
            self.clock.at += timedelta(days=1)
            self.store.write_now(
                lambda c, a=actor, b=action, t=target, x=context: audit_log.append_event(
                    c, actor=a, action=b, target=t, context=x, at=self.clock.now()
                )
            )
        return self

    async def actions(self, **search: Any) -> list[str]:
        return [event.action for event in await self.auditing.find(AUDITOR, Search(**search))]


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store).filled()


async def test_who_changed_it_leaves_out_runs_votes_and_names_alike(desk: Desk) -> None:
    assert await desk.actions(about="ask-policy", changes_only=True) == [
        "stage.piloted",
        "workflow.released",
        "prompt.released",
        "grant.given",
    ]
    assert await desk.actions(about="prompt:ask-policy.answer") == ["prompt.released"]
    assert await desk.actions(about="people") == ["document.changed"]
    assert await desk.actions(about="r_1") == ["feedback.recorded", "run.requested"]
    assert await desk.actions(about="%") == [] and await desk.actions(about="ask_policy") == []


async def test_events_are_found_by_person_action_and_day(desk: Desk) -> None:
    assert await desk.actions(actor="U0EVA") == ["workflow.released", "prompt.released"]
    assert await desk.actions(action="prompt") == ["prompt.released", "prompt.released"]
    assert await desk.actions(action="prompt.rel") == []
    day = datetime(2026, 11, 25, tzinfo=UTC)
    assert await desk.actions(since=day, until=day + timedelta(days=1)) == ["run.requested"]


@pytest.mark.parametrize("actor", [ANA, OWNER, GUEST], ids=["runner", "owner", "guest"])
async def test_the_trail_is_for_auditors_and_admins(desk: Desk, actor: Actor) -> None:
    for attempt in (
        lambda: desk.auditing.find(actor, Search()),
        lambda: desk.auditing.verify(actor),
        lambda: desk.auditing.check(actor, "anything"),
        lambda: desk.auditing.export(actor, Search(), "csv", surface="command"),
        lambda: desk.auditing.checkpoint(actor),
    ):
        with pytest.raises((NotAuthorized, Outsider)):
            await attempt()
    assert not desk.store.write_now(lambda c: audit_log.read_events(c, action="audit.exported"))


async def test_a_taken_file_is_an_event_and_a_spreadsheet_carries_nothing_out(desk: Desk) -> None:
    made = await desk.auditing.export(AUDITOR, Search(about="ask-policy"), "csv", surface="command")
    rows = list(csv.reader(io.StringIO(made.content)))
    assert tuple(rows[0]) == COLUMNS and len(rows) == made.count + 1 == 5
    event = desk.store.write_now(lambda c: audit_log.read_events(c, action="audit.exported"))[0]
    assert (event.actor, event.context["events"], event.context["about"]) == ("U0AUD", 4, "ask-policy")
    evil = {"=1+1": "=", "+1": "+", "-1": "-", "@SUM(A1)": "@", "\t=1": "\t"}
    for word in evil:
        desk.store.write_now(
            lambda c, w=word: audit_log.append_event(c, actor=w, action="x", target=w, at=desk.clock.now())
        )
    made = await desk.auditing.export(AUDITOR, Search(action="x"), "csv", surface="command")
    cells = [cell for row in csv.reader(io.StringIO(made.content)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple(evil.values()))]


async def test_the_json_file_can_be_checked_without_us(desk: Desk) -> None:
    made = await desk.auditing.export(AUDITOR, Search(), "jsonl", surface="terminal")
    previous = audit_log.GENESIS
    for line in made.content.splitlines():
        row = json.loads(line)
        facts = [row[name] for name in ("seq", "occurred_at", "actor", "action", "target", "context")]
        assert row["previous_hash"] == previous
        previous = hashlib.sha256(f"{previous}\n{canonical_json(facts)}".encode()).hexdigest()
        assert row["hash"] == previous
    assert previous == made.head


async def test_a_checkpoint_holds_while_the_chain_grows(desk: Desk) -> None:
    signed = await desk.auditing.checkpoint(AUDITOR)
    await desk.access.grant(DEV, "U0BEN", Role.RUNNER)
    found = await desk.auditing.check(AUDITOR, f"see this:\n```{signed.text()}```\nthanks")
    assert found.is_good and found.is_ours and found.chain.rows == found.checkpoint.events + 1


async def test_whoever_writes_the_chain_anew_is_found_out(desk: Desk) -> None:
    signed = await desk.auditing.checkpoint(AUDITOR)

    def forge(connection: Any) -> None:
        # somebody with the whole database: takes the guards away and seals other events over
        for statement in _unguard(connection.dialect.name):
            connection.execute(text(statement))
        connection.execute(audit_log.audit_events.delete())
        for number in range(12):
            audit_log.append_event(
                connection, actor="U0EVE", action="x", target=str(number), at=desk.clock.now()
            )

    desk.store.write_now(forge)
    assert (await desk.auditing.verify(AUDITOR))[0].bad_seq is None, "the chain alone does not show it"
    found = await desk.auditing.check(AUDITOR, signed.text())
    assert found.is_signed and not found.is_there and not found.is_good


def _unguard(dialect: str) -> list[str]:
    if dialect == "sqlite":
        return ["DROP TRIGGER audit_events_no_update", "DROP TRIGGER audit_events_no_delete"]
    return ["DROP TRIGGER audit_events_no_change ON audit_events"]


async def test_cut_off_events_are_noticed(desk: Desk) -> None:
    signed = await desk.auditing.checkpoint(AUDITOR)

    def cut(connection: Any) -> None:
        for statement in _unguard(connection.dialect.name):
            connection.execute(text(statement))
        table = audit_log.audit_events
        connection.execute(table.delete().where(table.c.seq >= signed.checkpoint.events))

    desk.store.write_now(cut)
    assert not (await desk.auditing.check(AUDITOR, signed.text())).is_there


async def test_a_changed_or_foreign_checkpoint_is_refused(desk: Desk) -> None:
    signed = await desk.auditing.checkpoint(AUDITOR)
    other = signed.text().replace(f"events: {signed.checkpoint.events}", "events: 3")
    assert not (await desk.auditing.check(AUDITOR, other)).is_signed
    foreign = AuditKey("somebody else's secret, as long as ours").sign(signed.checkpoint)
    found = await desk.auditing.check(AUDITOR, foreign.text())
    assert found.is_signed and found.is_ours is False and not found.is_good
    for broken in (
        "",
        "hello",
        signed.text().replace("head:", "tail:"),
        re.sub(r"at: \S+", "at: noon", other),
    ):
        with pytest.raises(UnreadableCheckpoint):
            await desk.auditing.check(AUDITOR, broken)


async def test_two_clocks_post_one_checkpoint_a_week(desk: Desk) -> None:
    other = Auditing(desk.store, desk.access, desk.clock, WakeUp(), KEY, "C0LEADS")
    assert [await desk.auditing.post_checkpoint(), await other.post_checkpoint()] == [True, False]
    desk.clock.at += timedelta(days=7)
    assert await other.post_checkpoint() and not await desk.auditing.post_checkpoint()
    posted = desk.store.write_now(
        lambda c: list(
            c.execute(select(outbox.c.channel, outbox.c.body).where(outbox.c.kind == "checkpoint"))
        )
    )
    assert [row.channel for row in posted] == ["C0LEADS", "C0LEADS"]
    for row in posted:
        assert (await desk.auditing.check(AUDITOR, row.body["text"])).is_good
    last = (await desk.auditing.verify(AUDITOR))[1]
    assert last is not None and last.slot == slot_of(desk.clock.now())


async def test_without_key_or_channel_nothing_is_posted(store: Store) -> None:
    assert not await Desk(store, None).auditing.post_checkpoint()
    assert not await Desk(store, KEY, "").auditing.post_checkpoint()
    with pytest.raises(NoAuditKey):
        await Desk(store, None).auditing.checkpoint(DEV)
    with pytest.raises(AuditKeyTooShort):
        AuditKey("short")


@given(
    slot=st.from_regex(r"[0-9]{4}-W[0-9]{2}", fullmatch=True),
    events=st.integers(0, 10**9),
    head=st.binary(min_size=32, max_size=32),
    at=st.datetimes(timezones=st.just(UTC)),
)
def test_a_checkpoint_reads_back_as_it_was_written(slot: str, events: int, head: bytes, at: datetime) -> None:
    signed = KEY.sign(Checkpoint(slot, events, head.hex(), at))
    assert read_checkpoint(signed.text()) == signed and is_signed(signed)
    moved = SignedCheckpoint(Checkpoint(slot, events + 1, head.hex(), at), signed.key, signed.signature)
    assert not is_signed(moved)


@pytest.mark.postgres
def test_a_role_that_owns_nothing_adds_events_and_changes_none(postgres_url: str) -> None:
    owner = Store(postgres_url)
    owner.write_now(metadata.create_all)
    with create_engine(make_url(postgres_url), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("DROP ROLE IF EXISTS spanwise_app"))
        connection.execute(text("CREATE ROLE spanwise_app"))
        for statement in rights("spanwise_app"):
            connection.execute(text(statement))
    owner.close()
    app = create_engine(make_url(postgres_url))
    with app.begin() as connection:
        connection.execute(text("SET ROLE spanwise_app"))
        audit_log.append_event(
            connection, actor="U0ANA", action="x", target="y", at=datetime(2026, 11, 22, tzinfo=UTC)
        )
    forbidden = [f"DELETE FROM {table}" for table in APPEND_ONLY] + [
        "UPDATE audit_events SET actor = 'U0EVE'",
        "TRUNCATE audit_events",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_events_no_change ON audit_events",
        "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN OLD; END $$",
    ]
    for statement in forbidden:
        with app.connect() as connection, pytest.raises(DBAPIError) as refused:
            connection.execute(text("SET ROLE spanwise_app"))
            connection.execute(text(statement))
        assert re.search("permission denied|must be owner", str(refused.value)), statement
    with app.begin() as connection:
        connection.execute(text("RESET ROLE"))
        assert audit_log.verify(connection).rows == 1
        connection.execute(text("DROP OWNED BY spanwise_app"))
        connection.execute(text("DROP ROLE spanwise_app"))
    app.dispose()


@pytest.mark.parametrize("name", ["", "Robert'); DROP TABLE", "a b", "A", "x" * 64])
def test_a_role_name_is_never_sql(name: str) -> None:
    with pytest.raises(InvalidRoleName):
        rights(name)
