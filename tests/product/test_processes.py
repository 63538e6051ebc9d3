"""The product as processes of their own: Slack's side, worker and clock; killed, stopped, and over HTTP."""

import json
from pathlib import Path

import pytest
from conftest import QUESTION
from processes_desk import Machines, is_open, machines, wait_until
from sqlalchemy import text
from story import ended, words
from terminal import Terminal
from workspace_thread import WorkspaceThread

from bot.adapters.store.database import Store
from bot.adapters.store.migrate import migrate
from tests.handbook_vectors import HandbookVectors
from tests.openai_server import HANG, OpenAIServer, Reply
from tests.ports import free_port
from tests.relay import Relay

pytestmark = pytest.mark.slow

CHANNEL = "C0PEOPLE"
TWO_STEPS = """\
name: two-steps
title: Two paid steps
purpose: Asks a distant model twice, so that there is something to lose between.
inputs:
  question: {kind: text, label: Your question}
steps:
  - {id: first, kind: prompt, title: Asking first, task: write, template: two-steps.ask, model: distant,
     variables: {question: "first {{ inputs.question }}"}}
  - {id: second, kind: prompt, title: Asking again, task: write, template: two-steps.ask, model: distant,
     timeout_s: 300, variables: {question: "second {{ inputs.question }}"}}
answer: "{{ first.text }} {{ second.text }}"
"""
PROMPT = "---\nvariables: [question]\n---\nAnswer: {{ question }}\n"
MODELS = """\
default: {{model: spanwise/quote}}
distant: {{model: openai/distant, api_base: "{url}", timeouts: {{reply_s: 300}}}}
"""
FORGET_LEASES = "UPDATE runs SET lease_until = :past WHERE status = 'running'"


def set_up(terminal: Terminal, workspace: WorkspaceThread, folder: Path) -> None:
    """What an operator does once: workflows, a grant, the manifest."""
    (folder / "prompts").mkdir()
    (folder / "two-steps.yaml").write_text(TWO_STEPS)
    (folder / "prompts" / "two-steps.ask.md").write_text(PROMPT)
    models = folder / "models.yaml"
    if not models.exists():
        models.write_text(MODELS.format(url="http://127.0.0.1:9/v1"))
    assert terminal("manifest").code == 0, "which releases what ships"
    added = terminal("workflow", "add", folder / "two-steps.yaml", SPANWISE_MODELS=str(models))
    assert added.code == 0, added.err
    assert terminal("grant", "everyone", "runner").code == 0
    workspace.workspace.install(json.loads(terminal("manifest").out))


def asked_of(server: OpenAIServer, step: str) -> int:
    """How often the model was asked for a step."""
    return sum(f"{step} What now?" in call.prompt for call in server.history)


def test_a_killed_worker_leaves_one_answer_and_nothing_is_paid_twice(
    handbook_vectors: HandbookVectors, database_url: str, tmp_path: Path
) -> None:
    server = OpenAIServer(respond=lambda body: Reply("Well."))
    with WorkspaceThread() as workspace:
        workspace.wait(server.__aenter__())
        (tmp_path / "models.yaml").write_text(MODELS.format(url=server.base_url))
        terminal = Terminal(
            tmp_path / "var",
            {
                **workspace.settings,
                "DATABASE_URL": database_url,
                "SPANWISE_MODELS": str(tmp_path / "models.yaml"),
            },
        )
        handbook_vectors.lend(terminal.data_dir)
        set_up(terminal, workspace, tmp_path)
        with machines(terminal, tmp_path) as desk:
            _kill_in_the_middle(desk, workspace, server)
        workspace.wait(server.__aexit__(None, None, None))


def _kill_in_the_middle(desk: Machines, workspace: WorkspaceThread, server: OpenAIServer) -> None:
    parts = [desk.start("slack"), desk.fork("clock"), desk.fork("worker")]
    for part in parts:
        part.started()
    slack, clock, worker = parts
    wait_until(lambda: workspace.workspace.link.is_connected, 30, "the socket")
    server.script.extend([Reply("Well."), HANG])
    ana = workspace.person("U0ANA")
    workspace.wait(ana.command(CHANNEL, "/two-steps What now?"))
    wait_until(lambda: asked_of(server, "second") == 1, 60, "the second step")
    worker.kill()
    store = Store(desk.terminal.settings["DATABASE_URL"])
    try:
        past = {"past": "2020-01-01 00:00:00.000000"}
        store.write_now(lambda connection: connection.execute(text(FORGET_LEASES), past))
        again = desk.fork("worker")
        again.started()
        message = workspace.wait(ended(ana, "Two paid steps"))
        assert "Well. Well." in words(message)
        assert (asked_of(server, "first"), asked_of(server, "second")) == (1, 2)
        assert len([m for m in ana.messages(ana.dm) if m.bot_id]) == 1, "one message, edited in place"
        workspace.wait(ana.command(CHANNEL, f"/ask-policy {QUESTION}"))
        assert "31 March" in words(workspace.wait(ended(ana, QUESTION)))
        for part in (slack, clock, again):
            assert part.stop() < 10, "it lets go within seconds"
            assert part.lines("stopped")
    finally:
        store.close()


def test_a_stopped_worker_hands_its_run_back_on_the_versions_it_began_with(
    handbook_vectors: HandbookVectors, tmp_path: Path
) -> None:
    """A deploy: SIGTERM in the middle of a step, another version released, another worker."""
    server = OpenAIServer(respond=lambda body: Reply("Well."))
    with WorkspaceThread() as workspace:
        workspace.wait(server.__aenter__())
        (tmp_path / "models.yaml").write_text(MODELS.format(url=server.base_url))
        settings = {**workspace.settings, "SPANWISE_MODELS": str(tmp_path / "models.yaml")}
        terminal = Terminal(tmp_path / "var", settings)
        handbook_vectors.lend(terminal.data_dir)
        set_up(terminal, workspace, tmp_path)
        with machines(terminal, tmp_path) as desk:
            parts = [desk.start("slack"), desk.fork("worker")]
            for part in parts:
                part.started()
            wait_until(lambda: workspace.workspace.link.is_connected, 30, "the socket")
            server.script.extend([Reply("Well."), HANG])
            ana = workspace.person("U0ANA")
            workspace.wait(ana.command(CHANNEL, "/two-steps What now?"))
            wait_until(lambda: asked_of(server, "second") == 1, 60, "the second step")
            parts[1].stop()
            assert one_run(terminal) == ("queued", 0, 1), "handed back, and no attempt is used up"
            changed = tmp_path / "two-steps.yaml"
            changed.write_text(TWO_STEPS.replace('answer: "', 'answer: "As of today: '))
            assert terminal("workflow", "add", changed).code == 0
            again = desk.fork("worker")
            again.started()
            message = words(workspace.wait(ended(ana, "Two paid steps")))
            assert "Well. Well." in message and "As of today" not in message
            assert one_run(terminal) == ("succeeded", 1, 1)
            assert (asked_of(server, "first"), asked_of(server, "second")) == (1, 2)
            workspace.wait(ana.command(CHANNEL, "/two-steps What else?"))
            assert "As of today" in words(workspace.wait(ended(ana, "What else?")))
        workspace.wait(server.__aexit__(None, None, None))


def one_run(terminal: Terminal) -> tuple[str, int, int]:
    """Status, attempts and version of the first run."""
    store = Store(f"sqlite:///{terminal.data_dir}/spanwise.db")
    row = store.read_now(
        lambda c: c.execute(text("SELECT status, attempts, version FROM runs ORDER BY created_at")).first()
    )
    store.close()
    assert row is not None
    return tuple(row)


def test_two_hosts_share_a_database_and_a_chroma_server(
    handbook_vectors: HandbookVectors, postgres_url: str, tmp_path: Path
) -> None:
    """Slack's side over signed HTTP and a clock on one host, a worker and the other clock on another."""
    port, secret = free_port(), "a-secret-of-the-test"
    url = f"http://127.0.0.1:{port}/slack/events"
    with WorkspaceThread(request_url=url, signing_secret=secret) as workspace:
        settings = {
            **workspace.settings,
            "DATABASE_URL": postgres_url,
            "SLACK_SIGNING_SECRET": secret,
            "PORT": str(port),
        }
        del settings["SLACK_APP_TOKEN"]
        terminal = Terminal(tmp_path / "var", settings)
        handbook_vectors.lend(terminal.data_dir)
        other = Terminal(tmp_path / "other" / "var", settings)
        handbook_vectors.lend(other.data_dir)
        set_up(terminal, workspace, tmp_path)
        with machines(terminal, tmp_path) as desk, machines(other, other.data_dir.parent) as far:
            settings["CHROMA_URL"] = desk.start_chroma()
            parts = [desk.start("slack"), desk.start("clock"), far.start("clock"), far.start("worker")]
            for part in parts:
                part.started()
            wait_until(lambda: is_open(port), 30, "the door")
            ana = workspace.person("U0ANA")
            outcome = workspace.wait(ana.command(CHANNEL, f"/ask-policy {QUESTION}"))
            assert "Working on" in str(outcome.payload)
            answer = workspace.wait(ended(ana, QUESTION))
            assert "31 March" in words(answer) and "Annual leave" in words(answer)
            asked = workspace.wait(ana.say(CHANNEL, f"@spanwise {QUESTION}"))
            workspace.wait(ended(ana, "31 March", CHANNEL, asked.ts))
            checked = terminal("doctor")
            assert checked.code == 0 and f"signed HTTP on port {port}" in checked.out, checked.out
            for host in (terminal, other):
                assert not (host.data_dir / "knowledge" / "chroma").exists(), "the server holds the vectors"
            (tmp_path / "leave.md").write_text("# Sabbatical\n\nA sabbatical lasts at most 47 days.\n")
            assert terminal("knowledge", "add", tmp_path / "leave.md", "--collection", "people").code == 0
            workspace.wait(ana.command(CHANNEL, "/ask-policy How long does a sabbatical last?"))
            assert "47 days" in words(workspace.wait(ended(ana, "How long does a sabbatical last?")))
            for part in parts:
                assert part.stop() < 10


@pytest.mark.parametrize("trouble", ["go_away", "fall_silent"])
def test_who_is_stopped_ends_while_the_database_is_away(
    handbook_vectors: HandbookVectors, postgres_url: str, tmp_path: Path, trouble: str
) -> None:
    migrate(postgres_url)
    with WorkspaceThread() as workspace, Relay(postgres_url) as relay:
        terminal = Terminal(tmp_path / "var", {**workspace.settings, "DATABASE_URL": relay.url})
        handbook_vectors.lend(terminal.data_dir)
        set_up(terminal, workspace, tmp_path)
        with machines(terminal, tmp_path) as desk:
            parts = [desk.start(part) for part in ("slack", "worker", "clock")]
            for part in parts:
                part.started()
            getattr(relay, trouble)()
            for part in parts:
                part.child.terminate()
            for part in parts:
                assert part.child.wait(30) == 0, part.log.read_text()[-3000:]


@pytest.mark.parametrize(
    ("part", "settings", "said"),
    [
        ("slack", {}, "Set SLACK_BOT_TOKEN first"),
        ("slack", {"SLACK_BOT_TOKEN": "xoxb-local"}, "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET"),
        ("worker", {}, "Set SLACK_BOT_TOKEN first"),
    ],
)
def test_what_cannot_start_says_what_to_set(
    handbook_vectors: HandbookVectors, tmp_path: Path, part: str, settings: dict[str, str], said: str
) -> None:
    with WorkspaceThread() as workspace:
        api = {"SLACK_API_URL": workspace.workspace.api_url}
        terminal = Terminal(tmp_path / "var", {**api, **settings})
        handbook_vectors.lend(terminal.data_dir)
        ran = terminal(part)
    assert ran.code == 1 and said in ran.err, ran.err
