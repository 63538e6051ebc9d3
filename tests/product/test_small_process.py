"""The process that acknowledges: what it never loads, and its memory after a thousand commands."""

import asyncio
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from processes_desk import is_open, machines, wait_until
from sqlalchemy import update
from terminal import ROOT, Terminal
from workspace_thread import WorkspaceThread

from bot.adapters.store.database import Connection, Store
from bot.adapters.store.heartbeats_log import beat, heartbeats
from bot.adapters.store.migrate import migrate
from bot.adapters.store.moments import lease_clock
from bot.workspace.signed_http import signature
from tests.ports import free_port

pytestmark = pytest.mark.slow

COMMANDS, AT_ONCE, TRIES = 1000, 20, 8
MOST_MIB = 80
"""Measured: 69 with SQLite, 77 with PostgreSQL."""
HEAVY = (
    "pydantic",
    "pydantic_core",
    "litellm",
    "chromadb",
    "matplotlib",
    "onnxruntime",
    "tokenizers",
    "markitdown",
    "numpy",
    "mermaidx",
    "alembic",
    "apscheduler",
    "typer",
)
SAID = (
    *("NotInTime", "NotAuthorized", "Outsider", "PersonUnknown"),
    *("QueueFull", "StoreDown", "UnknownWorkflow"),
)
"""Errors of commands under load: their sentences are at hand."""
SECRET = "a-secret-of-the-test"
UNBOUNDED = {"SPANWISE_PERSON_WAITING": "0", "SPANWISE_LONGEST_WAIT": "0"}
"""Three people ask a thousand times, and no worker is there."""
WATCHED = f"""
import atexit, sys
from pathlib import Path

def note():
    size = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]
    loaded = ",".join(sorted(set({HEAVY!r}) & set(sys.modules)))
    Path(sys.argv.pop()).write_text(f"{{size}} {{loaded}}")

atexit.register(note)
out = sys.argv[1]
sys.argv = ["bot", "slack"]
from bot.__main__ import main
try:
    main()
finally:
    sys.argv.append(out)
"""


async def send_commands(url: str, count: int) -> int:
    """As Slack would; how many were accepted."""
    turns = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession() as session:

        async def send(number: int) -> bool:
            fields = {
                "command": "/ask-policy",
                "text": f"How many days of leave may I carry over, asked {number} times?",
                "user_id": ("U0ANA", "U0BEN", "U0CHLOE")[number % 3],
                "team_id": "T0SPAN",
                "channel_id": "C0PEOPLE",
                "trigger_id": f"t.{count}.{number}",
            }
            body, stamp = urlencode(fields).encode(), str(int(time.time()))
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Slack-Request-Timestamp": stamp,
                "X-Slack-Signature": signature(SECRET, stamp, body),
            }
            # a busy machine may let some wait too long: nothing is stored then, and the person asks again
            for _ in range(TRIES):
                async with turns, session.post(url, data=body, headers=headers) as response:
                    said = await response.read()
                if response.status == 200 and (b"Working on" in said or b"it runs once" in said):
                    return True
            return False

        return sum(await asyncio.gather(*(send(number) for number in range(count))))


def heard(connection: Connection) -> None:
    """As a worker that stays: where none is heard, this process would bring the messages too."""
    beat(connection, "test:1", ("worker",), 8)
    stays = lease_clock(connection) + timedelta(hours=1)
    connection.execute(update(heartbeats).values(seen_at=stays))


def test_a_thousand_commands_fit_in_little_memory(database_url: str, tmp_path: Path) -> None:
    port, report = free_port(), tmp_path / "report"
    with WorkspaceThread() as workspace:
        settings = {**workspace.settings, "DATABASE_URL": database_url, "SPANWISE_LOG_LEVEL": "WARNING"}
        settings |= {"SLACK_SIGNING_SECRET": SECRET, "PORT": str(port), **UNBOUNDED}
        # who starts the tests may have said 1, with which every start compiles what it loads: 3 MiB more
        settings["PYTHONDONTWRITEBYTECODE"] = ""
        del settings["SLACK_APP_TOKEN"]
        terminal = Terminal(tmp_path / "var", settings)
        migrate(database_url)
        assert terminal("manifest").code == 0, "which releases what ships"
        assert terminal("grant", "everyone", "runner").code == 0
        store = Store(database_url)
        # the first start after an installation compiles; a Procfile starts this before a worker is heard
        for count in (1, COMMANDS):
            with machines(terminal, tmp_path) as desk:
                process = desk.start_command([sys.executable, "-OO", "-c", WATCHED, str(report)], "small")
                wait_until(lambda: is_open(port), 120, "the door")
                assert asyncio.run(send_commands(f"http://127.0.0.1:{port}/slack/events", count)) == count
                process.stop()
            assert report.read_text().partition(" ")[2] == ""
            store.write_now(heard)
        on_record = store.read_now(lambda c: c.exec_driver_sql("SELECT count(*) FROM runs").scalar_one())
        store.close()
    assert on_record == 1 + COMMANDS
    size = report.read_text().partition(" ")[0]
    assert int(size) / 1024 <= MOST_MIB


def test_what_taking_commands_imports_is_little() -> None:
    """A room or a sentence too many at the start is some MiB: here it has a name."""
    unwanted = {
        *HEAVY,
        "bot.bootstrap",
        "bot.slack.refusals",
        "bot.slack.desk",
        "sqlalchemy.dialects.postgresql",
        "workflows.steps",
        "cel",
        "jinja2",
    }
    script = f"""
import sys, bot.taking
from bot.slack.excuses import sentence_of
for error in {SAID!r}:
    assert sentence_of(error, {{}}), error
print(','.join(sorted(set({sorted(unwanted)!r}) & set(sys.modules))))
"""
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""
