"""The terminal: every command as an operator types it, what it shows, and how it ends."""

import json
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from terminal import Ran, Terminal
from workspace_thread import WorkspaceThread

from bot.adapters.store.migrate import newest_revision
from bot.services.intake import Intake
from bot.slack import manifest
from bot.workspace.site import Options
from tests.knowledge import paper

OWN_WORKFLOW = """\
name: greet-team
title: Greet the team
purpose: Says hello to a team by its name, to show that a workflow of our own runs.
inputs:
  team: {kind: text, label: Team}
steps:
  - {id: hello, kind: template, title: Saying hello, text: "Hello, {{ inputs.team }}!"}
answer: "{{ hello.text }}"
"""
WRONG_WORKFLOW = """\
name: greet-team
title: Greet the team
purpose: Has three mistakes.
colour: red
inputs:
  team: {kind: number, label: Team, max_lenght: 3}
steps:
  - {id: hello, kind: template, title: Saying hello, text: "Hello, {{ inputs.tema }}!"}
answer: "{{ hello.text }}"
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "var")


@pytest.fixture(scope="module")
def workspace() -> Iterator[WorkspaceThread]:
    with WorkspaceThread(Options(bot_token="xoxb-right", app_token="xapp-right")) as thread:
        yield thread


def test_the_first_run_loads_what_ships_and_answers_with_numbered_sources(
    first_run: tuple[Terminal, Ran],
) -> None:
    ran = first_run[1]
    assert ran.code == 0, ran.err
    assert "five days" in ran.out and "31 March [1]" in ran.out
    assert re.search(r"^(\[\d\])+ Annual leave › .* — Chloe Martin, updated .*, v1$", ran.out, re.MULTILINE)
    assert re.search(r"AI-generated.* v1 · rule: covered .* · \$0 · run r_\w+", ran.out)
    assert ran.err.strip() == "", "no log line of a library between a person and the answer"


def test_a_later_run_loads_nothing_again(first_run: tuple[Terminal, Ran]) -> None:
    terminal, _ = first_run
    before = terminal("knowledge", "list").out
    ran = terminal("run", "ask-policy", "May", "I", "bring", "my", "dog", "to", "the", "office?")
    assert ran.code == 0 and "could not find" in ran.out and "Sources" not in ran.out
    assert terminal("knowledge", "list").out == before


def test_every_piece_of_an_answer_is_shown_once(first_run: tuple[Terminal, Ran]) -> None:
    assert first_run[1].out.count("You can carry over up to five days") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "ask-polisy", "x"), "Did you mean ask-policy? python -m bot workflow list shows them."),
        (("explain", "r_k2m4k2m4k2m4k2m4"), "python -m bot runs lists them"),
        (
            ("run", "ask-policy"),
            "\n  question: is needed\nUsage: python -m bot run ask-policy <your question>",
        ),
        (("run", "ask-policy", "x" * 40_000), "  question: is 40,000 characters long; at most"),
        (
            ("run", "triage-request", "request=A desk", "amount=9", "amuont=8", "extra", "amount=7"),
            "  amuont: is not an input; did you mean amount?\n"
            "  amount: is given more than once\n"
            "  “extra”: belongs to no input\n"
            "Usage: python -m bot run triage-request",
        ),
        (("run", "triage-request", "amount=lots", "request=A desk, please"), "  amount: must be a number\n"),
    ],
)
def test_what_cannot_be_run_ends_with_1_and_a_sentence(
    first_run: tuple[Terminal, Ran], words: tuple[str, ...], said: str
) -> None:
    ran = first_run[0](*words)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


def test_a_command_that_is_none_ends_with_2(terminal: Terminal) -> None:
    assert terminal("runn").code == 2
    assert terminal("grant", "U0ANA", "king").code == 2


def test_a_child_ends_with_the_same_code(first_run: tuple[Terminal, Ran]) -> None:
    ran = first_run[0].child("run", "ask-polisy", "x")
    assert ran.code == 1 and "Did you mean ask-policy?" in ran.err and "Traceback" not in ran.err


def test_migrating_twice_is_harmless(terminal: Terminal) -> None:
    first, second = terminal("migrate"), terminal("migrate")
    assert first.code == second.code == 0
    assert first.out == second.out and f"revision {newest_revision()}" in first.out
    assert "before they are posted: 0" in terminal("migrate", "--restored").out


def test_a_database_that_is_none_is_a_sentence(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "spanwise.db").write_bytes(b"this is no database " * 100)
    for command in (("grants",), ("run", "ask-policy", "x"), ("migrate",), ("manifest",)):
        ran = terminal(*command)
        assert ran.code == 1 and "the database is damaged" in ran.err, (command, ran.err)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good files, and every kind of bad one among them."""
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "parking.md").write_text("# Parking\n\nThe car park in Leeds has 40 places.\n")
    (folder / "bikes.txt").write_text("Bicycles are kept in the shed behind the Lisbon office.\n")
    (folder / "corrupt.pdf").write_bytes(paper.pdf(["x"])[:80])
    with (folder / "huge.pdf").open("wb") as file:
        file.write(b"%PDF-1.4")
        file.truncate(300 * 1024 * 1024)
    (folder / "locked.pdf").write_bytes(paper.encrypted_pdf())
    paper.bomb(folder / "bomb.docx")
    return folder


def test_knowledge_takes_the_good_and_refuses_the_bad_with_a_sentence_each(
    terminal: Terminal, folder: Path
) -> None:
    first = terminal("knowledge", "add", folder, "--collection", "site", "--owner", "Chloe Martin")
    assert first.code == 1, "something was refused"
    assert first.out.strip() == "2 added, 0 changed, 0 unchanged, 0 removed, 4 refused"
    for name, why in {
        "corrupt.pdf": "it is damaged",
        "huge.pdf": "it is larger than what is read",
        "locked.pdf": "it asks for a password",
        "bomb.docx": "it unpacks to far more",
    }.items():
        assert re.search(rf"{name}: The document “{name}” was left out: {why}", first.err), name
    for name in ("corrupt.pdf", "huge.pdf", "locked.pdf", "bomb.docx"):
        (folder / name).unlink()
    again = terminal("knowledge", "add", folder, "-c", "site", "--owner", "Chloe Martin")
    assert (again.code, again.err.strip()) == (0, "")
    assert again.out.strip() == "0 added, 0 changed, 2 unchanged, 0 removed, 0 refused"
    listed = terminal("knowledge", "list").out
    assert re.search(r"site +2 +everyone", listed), "re-adding what is unchanged moves no revision"


def test_knowledge_is_calibrated_to_questions_somebody_knows(terminal: Terminal, tmp_path: Path) -> None:
    file, page = tmp_path / "questions.jsonl", tmp_path / "leave.md"
    page.write_text("# Leave\n\nYou can carry over five days of unused leave until 31 March.\n")
    terminal("knowledge", "add", page, "-c", "site")
    asked = [f"How many days of leave can I carry over, asks team {number}?" for number in range(15)]
    missed = [f"How many days of leave can I sell, asks team {number}?" for number in range(15)]
    rows = [{"question": each, "answerable": each in asked} for each in (*asked, *missed)]
    file.write_text("\n".join(map(json.dumps, rows)))
    tried = terminal("knowledge", "calibrate", file, "-c", "site", "--dry-run")
    assert tried.code == 0 and "Of 15 covered" in tried.out and tried.out.strip().endswith("kept nothing")
    assert "as shipped" in terminal("knowledge", "list").out
    assert terminal("knowledge", "calibrate", file, "-c", "site").out.strip().endswith("(site): kept")
    assert "calibrated" in terminal("knowledge", "list").out
    assert "as shipped" in terminal("knowledge", "calibrate", "-c", "site", "--reset").out
    assert "as shipped" in terminal("knowledge", "list").out
    file.write_text("\n".join(map(json.dumps, rows[:20])))
    few = terminal("knowledge", "calibrate", file, "-c", "site")
    assert few.code == 1 and "15 questions that are answered and 5 that are not" in few.err
    file.write_text("no JSON")
    assert "line 1: Invalid JSON" in terminal("knowledge", "calibrate", file, "-c", "site").err
    assert terminal("knowledge", "calibrate", "-c", "site").code == 2, "neither a file nor --reset"


def test_knowledge_follows_the_folder(terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "parking.md").write_text("# Parking\n\nThe car park in Leeds has 40 places.\n")
    (folder / "bikes.md").write_text("# Bikes\n\nThe shed in Lisbon has 12 places.\n")
    assert terminal("knowledge", "add", folder, "-c", "site", "--readers", "U0CHLOE, S0LEADS").code == 0
    assert "U0CHLOE, S0LEADS" in terminal("knowledge", "list").out
    (folder / "parking.md").write_text("# Parking\n\nThe car park in Leeds has 55 places.\n")
    (folder / "bikes.md").unlink()
    changed = terminal("knowledge", "add", folder, "-c", "site")
    assert changed.out.strip() == "0 added, 1 changed, 0 unchanged, 1 removed, 0 refused"
    assert re.search(r"parking.md +Parking +v2", terminal("knowledge", "list", "site").out)
    assert "U0CHLOE, S0LEADS" in terminal("knowledge", "list").out, "readers stay what they were"
    assert terminal("knowledge", "reindex").out.strip() == "Rebuilt: site"
    removed = terminal("knowledge", "remove", "parking.md", "-c", "site")
    assert removed.code == 0 and "site is at revision" in removed.out
    assert "parking.md" not in terminal("knowledge", "list", "site").out


def test_a_collection_is_emptied_at_once_and_may_be_filled_again(terminal: Terminal, tmp_path: Path) -> None:
    for name in ("parking", "bikes"):
        (tmp_path / f"{name}.md").write_text(f"# {name.title()}\n\nThe {name} in Leeds have 40 places.\n")
    terminal("knowledge", "add", tmp_path, "-c", "site")
    for words in ((), ("parking.md", "--all")):
        refused = terminal("knowledge", "remove", *words, "-c", "site")
        assert refused.code == 2 and "name one document, or say --all" in refused.err
    removed = terminal("knowledge", "remove", "--all", "-c", "site")
    assert (removed.code, removed.out.strip()) == (0, "2 removed; site holds nothing now")
    assert ".md" not in terminal("knowledge", "list", "site").out
    assert terminal("knowledge", "add", tmp_path, "-c", "site").out.startswith("2 added")


@pytest.mark.parametrize(
    "readers", ["", ",", " , ", "everyone,U0CHLOE", "EVERYONE, S0LEADS", "ana", "U0ANA,#hr"]
)
def test_readers_that_name_nobody_make_nothing_readable(
    terminal: Terminal, tmp_path: Path, readers: str
) -> None:
    page = tmp_path / "parking.md"
    page.write_text("# Parking\n\nThe car park in Leeds has 40 places.\n")
    refused = terminal("knowledge", "add", page, "-c", "site", "--readers", readers)
    assert refused.code == 2 and "--readers" in refused.err and "everyone" in refused.err
    assert "site" not in terminal("knowledge", "list").out


@pytest.mark.parametrize("readers", ["everyone", " Everyone ", "EVERYONE"])
def test_everyone_in_any_case_is_everyone(terminal: Terminal, tmp_path: Path, readers: str) -> None:
    page = tmp_path / "parking.md"
    page.write_text("# Parking\n\nThe car park in Leeds has 40 places.\n")
    assert terminal("knowledge", "add", page, "-c", "site", "--readers", "U0CHLOE,").code == 0
    assert terminal("knowledge", "add", page, "-c", "site", "--readers", readers).code == 0
    assert re.search(r"site +1 +everyone ", terminal("knowledge", "list").out)


@pytest.mark.parametrize("path", ["", " "])
def test_no_path_is_not_the_current_folder(terminal: Terminal, tmp_path: Path, path: str) -> None:
    (tmp_path / "private.md").write_text("# Private\n\nNot for the collection.\n")
    refused = terminal("knowledge", "add", path, "-c", "site")
    assert refused.code == 2 and "is empty" in refused.err
    assert "site" not in terminal("knowledge", "list").out
    assert terminal("knowledge", "add", ".", "-c", "site").out.startswith("1 added")


def test_an_interrupted_adding_says_what_was_taken_and_how_to_go_on(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    for name in ("bikes", "parking"):
        (folder / f"{name}.md").write_text(f"# {name}\n\nThere are 40 places.\n")

    take = Intake._take

    def interrupted(self: Intake, *given: Any) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        assert self._stop.wait(20)
        return take(self, *given)

    # what is started in the background, as tests may be, ignores Ctrl-C
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Intake, "_take", interrupted)
            stopped = terminal("knowledge", "add", folder, "-c", "site")
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.out.strip() == "1 added, 0 changed, 0 unchanged, 0 removed, 0 refused"
    assert stopped.code == 130 and "same command goes on from there" in stopped.err
    again = terminal("knowledge", "add", folder, "-c", "site")
    assert again.out.strip() == "1 added, 0 changed, 1 unchanged, 0 removed, 0 refused"


def test_an_emptied_folder_takes_no_document_out_of_knowledge(terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "parking.md").write_text("# Parking\n\nThe car park in Leeds has 40 places.\n")
    terminal("knowledge", "add", folder, "-c", "site")
    (folder / "parking.md").unlink()
    refused = terminal("knowledge", "add", folder, "-c", "site")
    assert (refused.code, refused.out) == (1, "")
    assert "holds no file now" in refused.err and "knowledge remove" in refused.err
    assert "parking.md" in terminal("knowledge", "list", "site").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("knowledge", "add", "/nowhere/at/all", "-c", "site"), "There is no file or folder"),
        (("knowledge", "add", ".", "-c", "No Name"), "is no name for a collection"),
        (("knowledge", "list", "site"), "site"),
        (("knowledge", "remove", "a.md", "-c", "site"), "site"),
    ],
)
def test_knowledge_that_is_not_there(terminal: Terminal, words: tuple[str, ...], said: str) -> None:
    ran = terminal(*words)
    assert ran.code == 1 and said in ran.err and "Incident" not in ran.err


def test_a_workflow_with_mistakes_shows_all_of_them_with_their_lines(
    terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG_WORKFLOW)
    for command in ("check", "add"):
        ran = terminal("workflow", command, file)
        assert ran.code == 1
        lines = re.findall(r"^wrong\.yaml:(\d+):\d+: (\S+):", ran.err, re.MULTILINE)
        assert {("4", "colour"), ("6", "inputs.team.max_lenght")} <= set(lines), ran.err
        assert any(line == "8" for line, _ in lines), ran.err
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    assert "save it as UTF-8" in terminal("workflow", "check", tmp_path / "bytes.yaml").err
    missing = terminal("workflow", "check", tmp_path / "none.yaml").err
    assert f"there is no file {tmp_path / 'none.yaml'}" in missing and "UTF-8" not in missing


def test_a_workflow_of_ones_own_runs_once_it_is_added(
    first_run: tuple[Terminal, Ran], tmp_path: Path
) -> None:
    terminal, _ = first_run
    file = tmp_path / "greet.yaml"
    file.write_text(OWN_WORKFLOW)
    assert terminal("workflow", "check", file).out.strip() == "greet.yaml is in order"
    assert terminal("workflow", "add", file).out.strip() == "greet-team: released"
    assert terminal("workflow", "add", file).out.strip() == "greet-team: nothing changed"
    assert "/greet-team" in terminal("workflow", "list").out
    assert "Hello, Lisbon office!" in terminal("run", "greet-team", "Lisbon", "office").out
    assert "/greet-team" in terminal("manifest").out


def test_a_workflow_that_names_a_missing_template_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "ask.yaml"
    file.write_text(
        OWN_WORKFLOW.replace(
            'kind: template, title: Saying hello, text: "Hello, {{ inputs.team }}!"',
            "kind: prompt, title: Saying hello, task: write, template: greet.hello, model: default",
        )
    )
    ran = terminal("workflow", "check", file)
    assert ran.code == 1 and "no prompts/greet.hello.md beside it" in ran.err


def test_the_manifest_is_valid_and_has_a_command_for_each_workflow(terminal: Terminal) -> None:
    ran = terminal("manifest", "--url", "https://bot.example.com")
    made = json.loads(ran.out)
    assert ran.code == 0 and manifest.problems(made) == ()
    commands = {each["command"] for each in made["features"]["slash_commands"]}
    assert {"/spanwise", "/ask-policy", "/triage-request", "/summarise-thread", "/draft-reply"} == commands
    assert {each["url"] for each in made["features"]["slash_commands"]} == {
        "https://bot.example.com/slack/events"
    }


def test_settings_name_their_source_and_hide_secrets(terminal: Terminal, tmp_path: Path) -> None:
    secret = "xoxb-1234-very-secret"
    (tmp_path / ".env").write_text("SPANWISE_ADMINS=U0DEV,U0EVA\nSLACK_SIGNING_SECRET=hush-hush\n")
    ran = terminal(
        "settings",
        SLACK_BOT_TOKEN=secret,
        DATABASE_URL="postgresql://bot:hunter2@db.example/spanwise",
    )
    assert ran.code == 0
    assert not any(word in ran.out for word in (secret, "hunter2", "hush-hush"))
    assert re.search(r"SPANWISE_ADMINS +U0DEV,U0EVA +\.env", ran.out)
    assert re.search(r"SLACK_BOT_TOKEN +set, hidden +environment", ran.out)
    assert re.search(r"DATABASE_URL +postgresql://bot:\*\*\*@db.example/spanwise +environment", ran.out)
    assert re.search(r"PORT +3000 +default", ran.out)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("PORT", "eighty"),
        ("SPANWISE_CONCURRENCY", "none"),
        ("SPANWISE_LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "mysql://bot:hunter2@db.example/x"),
    ],
)
def test_a_setting_that_cannot_be_is_named_in_a_sentence(
    terminal: Terminal, setting: str, value: str
) -> None:
    for command in ("settings", "doctor", "grants", "migrate", "worker"):
        ran = terminal(command, **{setting: value})
        assert (ran.code, ran.out) == (1, ""), command
        assert f"Correct this and start again: {setting}: " in ran.err
        assert value not in ran.err


@pytest.mark.parametrize("part", ["slack", "worker"])
def test_a_child_with_a_wrong_setting_shows_no_traceback(terminal: Terminal, part: str) -> None:
    ran = terminal.with_settings({"PORT": "eighty"}).child(part)
    assert ran.code == 1 and "PORT" in ran.err and "Traceback" not in ran.err


def test_roles_are_given_listed_and_taken_and_the_chain_holds(terminal: Terminal) -> None:
    assert terminal("grant", "U0ANA", "runner").out.strip() == "U0ANA is runner of *"
    assert terminal("grant", "U0ANA", "runner").out.strip() == "U0ANA is runner of * already"
    scoped = ("S0LEADS", "editor", "--scope", "workflow:ask-policy")
    assert terminal("grant", *scoped).code == 0
    listed = terminal("grants", SPANWISE_ADMINS="U0DEV").out
    assert re.search(r"U0DEV +admin +\* +settings", listed)
    assert re.search(r"S0LEADS +editor +workflow:ask-policy +terminal", listed)
    assert terminal("revoke", *scoped).out.strip() == "S0LEADS is no longer editor of workflow:ask-policy"
    assert terminal("revoke", *scoped).out.strip() == "S0LEADS was not editor of workflow:ask-policy"
    assert "S0LEADS" not in terminal("grants").out
    intact = terminal("audit", "verify")
    assert intact.code == 0 and re.match(r"3 audit events, each as it was written", intact.out)


@pytest.mark.parametrize("scope", ["everything", "workflow:", "workflow:Ask Policy", "nonsense:x"])
def test_a_scope_that_is_none_is_refused(terminal: Terminal, scope: str) -> None:
    ran = terminal("grant", "U0ANA", "runner", "--scope", scope)
    assert ran.code == 2 and "workflow:<name>" in ran.err


@pytest.mark.parametrize("grantee", ["ana", "everybody", "@ana", "U0ANA,U0BEN", "terminal"])
def test_a_role_is_given_to_nobody_that_slack_does_not_know(terminal: Terminal, grantee: str) -> None:
    ran = terminal("grant", grantee, "runner")
    assert ran.code == 2 and "Slack user id" in ran.err


def test_a_changed_audit_event_is_named(terminal: Terminal) -> None:
    for person in ("U0ANA", "U0BEN", "U0CHLOE"):
        terminal("grant", person, "runner")
    with closing(sqlite3.connect(terminal.data_dir / "spanwise.db")) as database, database:
        for (trigger,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute("UPDATE audit_events SET target = 'U0EVE:runner:*' WHERE seq = 2")
    ran = terminal("audit", "verify")
    assert ran.code == 1 and re.search(r"event 2 is \w+", ran.err), ran.err


def test_the_end_of_the_chain_is_signed_checked_and_taken_away(terminal: Terminal) -> None:
    terminal("grant", "U0ANA", "runner")
    key = {"SPANWISE_AUDIT_KEY": "a secret of more than thirty-two characters"}
    assert terminal("audit", "checkpoint").code == 1
    assert "too short" in terminal("audit", "checkpoint", SPANWISE_AUDIT_KEY="short").err
    kept = terminal.data_dir / "checkpoint.txt"
    kept.write_text(terminal("audit", "checkpoint", **key).out)
    terminal("grant", "U0BEN", "runner")
    checked = terminal("audit", "verify", "--checkpoint", kept, **key)
    assert checked.code == 0 and "holds" in checked.out
    kept.write_text(kept.read_text().replace("events: 1", "events: 2"))
    forged = terminal("audit", "verify", "--checkpoint", kept, **key)
    assert forged.code == 1 and "does not fit" in forged.err
    out = terminal.data_dir / "audit.csv"
    assert terminal("audit", "export", "--out", out, "--actor", "terminal").code == 0
    rows = out.read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("seq,occurred_at,actor") and len(rows) == 3
    assert '"action": "audit.exported"' in terminal("audit", "export", "--format", "jsonl").out
    assert terminal("audit", "export", "--format", "xml").code == 2
    assert "REVOKE UPDATE, DELETE" in terminal("audit", "rights", "spanwise_app").out
    assert terminal("audit", "rights", "x; DROP").code == 1


def findings(ran: Ran) -> dict[str, tuple[bool, str]]:
    """What doctor said of each part, with its advice."""
    found = re.findall(r"^(ok|--) ([^:]+): (.*(?:\n     .*)?)", ran.out, re.MULTILINE)
    return {name: (mark == "ok", words) for mark, name, words in found}


def test_doctor_finds_nothing_wrong(first_run: tuple[Terminal, Ran], workspace: WorkspaceThread) -> None:
    workspace.workspace.install(manifest.build(()))
    ran = first_run[0]("doctor", **workspace.settings)
    found = findings(ran)
    assert ran.code == 0, ran.out
    assert found["slack token"] == (True, "spanwise in Larkfield")
    assert found["slack scopes"] == (True, "all granted")
    assert found["slack requests"] == (True, "Socket Mode")
    assert found["database"][1].startswith(f"SQLite, revision {newest_revision()}")
    assert {"data folder", "collection people", "model default", "clock"} <= set(found)


@pytest.mark.parametrize(
    ("changes", "part", "said"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, "slack token", "invalid_auth"),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, "slack requests", "connections:write"),
        ({"SLACK_APP_TOKEN": ""}, "slack requests", "Set SLACK_APP_TOKEN"),
        ({"SLACK_BOT_TOKEN": ""}, "slack", "SLACK_BOT_TOKEN is not set"),
        ({"SLACK_API_URL": "http://127.0.0.1:9/api/"}, "slack token", "unreachable"),
        ({"CHROMA_URL": "http://127.0.0.1:9"}, "index", "Start the Chroma server"),
        ({"SPANWISE_MODELS": "/nowhere/models.yaml"}, "models", "Check SPANWISE_MODELS"),
        ({"DATABASE_URL": "postgresql://bot:hunter2@127.0.0.1:9/x"}, "database", "Check DATABASE_URL"),
    ],
)
def test_doctor_says_what_is_wrong_and_how_to_fix_it(
    first_run: tuple[Terminal, Ran],
    workspace: WorkspaceThread,
    changes: dict[str, str],
    part: str,
    said: str,
) -> None:
    ran = first_run[0]("doctor", **{**workspace.settings, **changes})
    is_ok, words = findings(ran)[part]
    assert ran.code == 1 and not is_ok
    assert said in words and "\n     " in words, words


def test_doctor_names_missing_scopes_and_keys(
    first_run: tuple[Terminal, Ran], workspace: WorkspaceThread, tmp_path: Path
) -> None:
    made = manifest.build(())
    made["oauth_config"]["scopes"]["bot"].remove("users:read")
    workspace.workspace.install(made)
    (tmp_path / "models.yaml").write_text("default: {model: openai/x, api_key_env: NO_SUCH_KEY}\n")
    ran = first_run[0]("doctor", **workspace.settings, SPANWISE_MODELS=str(tmp_path / "models.yaml"))
    found = findings(ran)
    assert ran.code == 1
    assert found["slack scopes"][0] is False and "missing users:read" in found["slack scopes"][1]
    assert found["model default"][0] is False and "Set NO_SUCH_KEY" in found["model default"][1]


def test_doctor_asks_where_a_model_should_be_whether_anything_is_there(
    first_run: tuple[Terminal, Ran], workspace: WorkspaceThread, tmp_path: Path
) -> None:
    there = workspace.settings["SLACK_API_URL"]
    (tmp_path / "models.yaml").write_text(
        f"default: {{model: openai/our, api_base: 'http://127.0.0.1:9/v1'}}\n"
        f"careful: {{model: openai/our, api_base: '{there}'}}\n"
    )
    ran = first_run[0]("doctor", **workspace.settings, SPANWISE_MODELS=str(tmp_path / "models.yaml"))
    is_ok, words = findings(ran)["model default"]
    assert ran.code == 1 and not is_ok
    assert "nothing answers at http://127.0.0.1:9/v1" in words and "correct `api_base`" in words
    assert findings(ran)["model careful"] == (True, "openai/our")
