"""What an operator gets wrong at the terminal: said in a sentence with the next step, and no secret shown."""

import re
import socket
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from terminal import Ran, Terminal

from bot.cli import console
from tests.handbook_vectors import HandbookVectors


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "var")


@pytest.mark.parametrize(
    ("setting", "value", "shown"),
    [
        ("DATABASE_URL", "postgresql://h/db?user=u&password=topsecret", "h/db?user=u&password=***"),
        ("DATABASE_URL", "postgresql://u:top@secret@h/db", "u:***@h/db"),
        ("CHROMA_URL", "http://user:topsecret@127.0.0.1:1", "http://user:***@127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://topsecret@c:4318", "http://***@c:4318"),
        ("SLACK_API_URL", "http://h/api/?token=topsecret&x=1", "http://h/api/?token=***&x=1"),
        ("CHROMA_URL", "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_no_address_shows_its_secret(terminal: Terminal, setting: str, value: str, shown: str) -> None:
    ran = terminal("settings", **{setting: value})
    assert ran.code == 0 and shown in ran.out
    assert "secret" not in next(line for line in ran.out.splitlines() if line.startswith(setting))


def test_doctor_shows_no_secret_of_what_does_not_answer(first_run: tuple[Terminal, Ran]) -> None:
    ran = first_run[0]("doctor", CHROMA_URL="http://user:topsecret@127.0.0.1:1")
    assert ran.code == 1 and re.search(r"^-- index: ", ran.out, re.MULTILINE)
    assert "topsecret" not in ran.out + ran.err


def test_models_that_a_command_puts_in_force_are_named_and_looked_at(
    terminal: Terminal, handbook_vectors: HandbookVectors, tmp_path: Path
) -> None:
    handbook_vectors.lend(terminal.data_dir)
    file = tmp_path / "models.yaml"
    file.write_text("default: {model: openai/x, api_key_env: NO_SUCH_KEY}\n")
    said = f"The models of {file} are in force now."
    assert said in terminal("explain", "ask-policy", SPANWISE_MODELS=str(file)).err
    assert said not in terminal("explain", "ask-policy", SPANWISE_MODELS=str(file)).err
    assert "in force now" not in terminal("explain", "ask-policy").err
    looked = terminal("doctor").out
    assert "-- model default: openai/x has no key" in looked
    assert re.search(r"^ok models: version 1 is in force, .*SPANWISE_MODELS is empty", looked, re.MULTILINE)
    assert "models: version" not in terminal("doctor", SPANWISE_MODELS=str(file)).out
    file.write_text("default: {model: openai/y, api_key_env: NO_SUCH_KEY}\n")
    both = terminal("doctor", SPANWISE_MODELS=str(file)).out
    assert "-- model default: openai/y" in both and "-- model default in force: openai/x" in both


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"SPANWISE_DATA_DIR": "/proc/nowhere"},
            "The data folder /proc/nowhere is a file, or cannot be made",
        ),
        ({"SPANWISE_DATA_DIR": "{file}"}, "Set SPANWISE_DATA_DIR to a folder"),
        ({"SPANWISE_MODELS": "/nope.yaml"}, "/nope.yaml, which SPANWISE_MODELS names, is no file of text"),
        ({"SPANWISE_MODELS": "{folder}"}, "or leave the setting empty for the built-in model"),
        ({"DATABASE_URL": "sqlite://foo.db"}, "sqlite:////folder/file.db"),
        ({"DATABASE_URL": "postgresql://u:hush@host:abc/db"}, "DATABASE_URL is no address of a database"),
    ],
)
def test_a_setting_that_leads_nowhere_is_a_sentence(
    terminal: Terminal, tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    (tmp_path / "file").write_text("not a folder")
    given = {name: value.format(file=tmp_path / "file", folder=tmp_path) for name, value in settings.items()}
    for command in (("grants",), ("migrate",), ("run", "ask-policy", "x")):
        if command == ("migrate",) and "SPANWISE_MODELS" in given:
            continue
        ran = terminal(*command, **given)
        assert (ran.code, ran.out) == (1, "") and said in ran.err, ran.err
        assert "ncident" not in ran.err and ran.log == [] and "hush" not in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "export", "--out", "/nonexist/a.csv"),
        ("runs", "--format", "jsonl", "--out", "/nonexist/r.jsonl"),
        ("explain", "ask-policy", "--picture", "/nonexist/p.png"),
        ("evaluate", "ask-policy", "--json", "/nonexist/r.json"),
    ],
)
def test_a_file_that_cannot_be_written_is_said_before_anything_is_done(
    first_run: tuple[Terminal, Ran], words: tuple[str, ...]
) -> None:
    terminal, _ = first_run
    taken = terminal("audit", "export").out.count("exported")
    ran = terminal(*words)
    assert ran.code == (2 if words[0] == "evaluate" else 1) and ran.out == ""
    assert f"{words[-1]} cannot be written: there is no folder /nonexist. Nothing was done" in ran.err
    assert terminal("audit", "export").out.count("exported") == taken + 1, "only those that reached somebody"


def test_the_port_of_the_demo_is_free_or_a_sentence(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = terminal("demo", "--port", port)
    assert ran.code == 1 and f"The port {port} of --port is in use" in ran.err and "ncident" not in ran.err
    assert terminal("demo", "--port", "99999").code == 2


def test_a_file_for_runs_is_written_as_its_name_ends(first_run: tuple[Terminal, Ran], tmp_path: Path) -> None:
    for name, begins in (("r.jsonl", '{"'), ("r.csv", "run,"), ("r.txt", "run,")):
        ran = first_run[0]("runs", "--out", tmp_path / name)
        assert (ran.code, ran.out) == (0, ""), ran.err
        assert (tmp_path / name).read_text(encoding="utf-8").lstrip("\ufeff").startswith(begins)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("grant", "U0ANA", "runner", "--scope", "workflow:ask-polisy"), "Did you mean ask-policy?"),
        (("grant", "U0ANA", "runner", "--scope", "collection:peeple"), "Did you mean people?"),
        (
            ("grant", "U0ANA", "runner", "--scope", "collection:zzz"),
            "There is no collection “zzz”. python -m",
        ),
        (("knowledge", "list", "peeple"), "There is no collection “peeple”. Did you mean people?"),
        (("knowledge", "remove", "a.md", "-c", "peeple"), "Did you mean people?"),
        (("audit", "verify", "--checkpoint", "nofile.txt"), "There is no file nofile.txt with a checkpoint"),
    ],
)
def test_a_name_of_nothing_is_refused_with_the_nearest(
    first_run: tuple[Terminal, Ran], words: tuple[str, ...], said: str
) -> None:
    ran = first_run[0](*words)
    assert (ran.code, ran.out) == (1, "") and said in ran.err


def test_a_role_is_given_over_a_draft_and_over_what_the_first_run_brings(
    terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "greet-team.yaml"
    file.write_text(
        "name: greet-team\ntitle: Greet\npurpose: Says hello to a team, to show what a draft is.\n"
        "inputs:\n  team: {kind: text, label: Team}\n"
        'steps:\n  - {id: hello, kind: template, text: "Hello, {{ inputs.team }}!"}\n'
        'answer: "{{ hello.text }}"\n'
    )
    assert terminal("grant", "U0ANA", "editor", "--scope", "workflow:greet-team").code == 1
    assert terminal("workflow", "add", file, "--candidate").code == 0
    for scope in ("workflow:greet-team", "workflow:ask-policy", "collection:people"):
        ran = terminal("grant", "U0ANA", "editor", "--scope", scope)
        assert ran.code == 0, ran.err


def test_the_terminal_speaks_of_the_terminal(terminal: Terminal) -> None:
    away = terminal("grants", DATABASE_URL="postgresql://bot:hush@127.0.0.1:9/x")
    assert away.code == 1 and "Admins are told" not in away.err
    assert "cannot be reached. Check DATABASE_URL" in away.err and "python -m bot doctor" in away.err
    lifted = terminal("budget", "ask-policy", "off")
    assert lifted.code == 1 and "python -m bot budget shows" in lifted.err, lifted.err
    assert terminal("budget", "nobody", "off").err.count("/spanwise") == 0


def test_a_window_of_80_columns_cuts_no_name_off(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Console(width=80, file=StringIO(), force_terminal=True, color_system=None, soft_wrap=True)
    monkeypatch.setattr(console, "out", window)
    question = "How many days of leave can I carry over into the next year?"
    run = ("2026-11-24 01:47", "r_k2m4k2m4k2m4k2m4", "summarise-thread", "Ana", "failed", "1 s", "$0", "")
    path = "benefits/parental-leave-and-adoption.md"
    console.table(
        ("Asked", "Run", "Workflow", "Who", "Ended", "Took", "Cost", "Votes", "What"), [(*run, question)]
    )
    console.table(
        ("Path", "Title", "Version", "Owner"), [(path, "Parental leave and adoption", "v1", "Chloe Martin")]
    )
    console.table(
        ("Setting", "Value", "From", "What"), [("SLACK_SIGNING_SECRET_PREVIOUS", "", "default", question)]
    )
    assert isinstance(window.file, StringIO)
    shown = window.file.getvalue()
    assert all(word in shown for word in (run[1], path, "SLACK_SIGNING_SECRET_PREVIOUS", *question.split()))
    assert "…" not in shown and max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("settings", "part", "said"),
    [
        ({"SPANWISE_DATA_DIR": "/proc/x"}, "database", "it does not answer\n     Check SPANWISE_DATA_DIR"),
        ({"DATABASE_URL": "sqlite://foo.db"}, "database", "DATABASE_URL is no address of a database"),
        ({"SPANWISE_MODELS": "/nope.yaml"}, "models", "/nope.yaml, which SPANWISE_MODELS names, is no file"),
        (
            {"DATABASE_URL": "postgresql://b:x@127.0.0.1:9/x"},
            "database",
            "it does not answer\n     Check DATABASE_URL, that",
        ),
    ],
)
def test_doctor_speaks_in_sentences_and_looks_at_slack_all_the_same(
    terminal: Terminal, settings: dict[str, str], part: str, said: str
) -> None:
    slack = {"SLACK_BOT_TOKEN": "xoxb-x", "SLACK_API_URL": "http://127.0.0.1:9/api/"}
    ran = terminal("doctor", **settings, **slack)
    assert ran.code == 1 and f"-- {part}: {said}" in ran.out, ran.out
    assert "-- slack token: unreachable\n     Check the network of this machine, and SLACK_API_URL" in ran.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default: {model: gpt-4o-mini}", "model: needs its provider, provider/model: openai/gpt-4o-mini"),
        ("default: {model: a/b, temprature: 1}", "is not a key here; did you mean temperature?"),
        ("default: openai/gpt-4o-mini", "default: must be a mapping: default: {model: openai/gpt-4o-mini}"),
        ("- a", "must be aliases, each with its model: default: {model: openai/gpt-4o-mini}"),
    ],
)
def test_what_is_wrong_with_a_file_of_models_is_said_in_our_words(
    terminal: Terminal, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "models.yaml").write_text(text)
    ran = terminal("grants", SPANWISE_MODELS=str(tmp_path / "models.yaml"))
    assert ran.code == 1 and said in ran.err and f"{tmp_path / 'models.yaml'} cannot be used" in ran.err


def test_what_is_wrong_with_a_setting_comes_with_an_example(terminal: Terminal) -> None:
    ran = terminal("grants", SPANWISE_ALERTS="errors")
    assert ran.code == 1 and "SPANWISE_ALERTS: should be names with numbers, such as errors=10" in ran.err
    assert "Value error" not in ran.err and "load it again" not in ran.err


def test_a_model_that_fails_is_named_and_buries_nothing(
    terminal: Terminal, handbook_vectors: HandbookVectors, tmp_path: Path
) -> None:
    handbook_vectors.lend(terminal.data_dir)
    file = tmp_path / "models.yaml"
    file.write_text("default: {model: openai/x, api_base: 'http://127.0.0.1:9/v1', api_key_env: HERE}\n")
    terminal = terminal.with_settings({"SPANWISE_MODELS": str(file)})
    assert terminal("explain", "ask-policy").code == 0
    ran = terminal("run", "ask-policy", "How many days of leave can I carry over?")
    failed = [line for line in ran.log if line["event"] == "run.failed"]
    assert ran.code == 1 and failed and not any(line.get("exc_info") for line in failed), ran.err
    assert "“default”" in ran.err
    file.write_text(file.read_text().replace("HERE", "NO_SUCH_KEY"))
    tried = terminal("evaluate", "ask-policy")
    assert tried.code == 1 and "“default”" in tried.out and "of this step" not in tried.out, tried.out
