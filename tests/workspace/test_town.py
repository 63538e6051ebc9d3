"""The town remembers what was said, tells of changes, and needs no server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.workspace.clockwork import ManualClock, within
from bot.workspace.default_town import default_town
from bot.workspace.town_records import Message


def say(town, text="x", user="U0ANA", **more):
    return town.say(Message("", "C0GENERAL", user, text, **more))


def test_timestamps_never_repeat_even_when_time_stands_still():
    town = default_town()
    town.clock = ManualClock()
    stamps = [town.next_ts() for _ in range(100)]
    assert len(set(stamps)) == 100
    assert stamps == sorted(stamps)
    assert all(len(one.rpartition(".")[2]) == 6 for one in stamps)


def test_a_thread_counts_its_replies():
    town = default_town()
    root = say(town)
    say(town, "a", "U0BEN", thread_ts=root.ts)
    last = say(town, "b", "U0BEN", thread_ts=root.ts)
    body = town.as_slack(root)
    assert (body["reply_count"], body["reply_users"], body["latest_reply"]) == (2, ["U0BEN"], last.ts)
    assert body["thread_ts"] == root.ts
    assert town.as_slack(last)["parent_user_id"] == "U0ANA"


def test_direct_messages_are_one_channel_whoever_opens_them():
    town = default_town()
    assert town.direct("U0ANA", "U0SPAN") is town.direct("U0SPAN", "U0ANA")


def test_changes_are_told_with_what_was_before():
    town = default_town()
    told = []
    stop = town.noticeboard.subscribe(lambda notice: told.append((notice.kind, notice.before)))
    message = say(town, "one")
    town.edit(message, text="two")
    town.remove(message)
    assert [kind for kind, _ in told] == ["message", "message_changed", "message_deleted"]
    assert told[1][1]["text"] == "one"
    stop()
    say(town, "unheard")
    assert len(told) == 3


@given(st.lists(st.sampled_from(["say", "whisper", "reply", "read", "remove"]), max_size=20))
def test_unread_counts_what_others_said_since(acts):
    town = default_town()
    expected: set[str] = set()
    for act in acts:
        standing = town.messages("C0GENERAL")
        if act == "say":
            expected.add(say(town, user="U0BEN").ts)
        elif act == "whisper":
            say(town, user="U0SPAN", only_for="U0ANA")
        elif act == "reply" and standing:
            say(town, user="U0BEN", thread_ts=standing[0].thread_ts or standing[0].ts)
        elif act == "read":
            town.mark_read("U0ANA", "C0GENERAL")
            expected.clear()
        elif act == "remove" and standing:
            town.remove(standing[-1])
            expected.discard(standing[-1].ts)
    assert town.unread("U0ANA", "C0GENERAL") == len(expected)


async def test_a_manual_clock_wakes_those_whose_moment_has_come():
    clock = ManualClock()
    with pytest.raises(TimeoutError):
        await within(clock, 3, _moved(clock, 4))
    assert await within(clock, 3, _moved(clock, 1)) == "done"


async def _moved(clock: ManualClock, seconds: float) -> str:
    await clock.until_asleep(3)
    clock.advance(seconds)
    if seconds > 3:
        await clock.sleep(100)
    return "done"
