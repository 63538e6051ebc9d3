import math
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.answer_cues import AnswerKind, answer_kind, holds_kind, unmet_specifics
from knowledge.freshness import age_in_words, is_stale
from knowledge.reading import BY_CHANCE, READ, Reading, together
from knowledge.sentences import join_wrapped, split_sentences
from knowledge.sources import SourceEmptied, SourceMissing, SourceUnreadable, open_source
from knowledge.support import Calibration, Evidence, support
from knowledge.words import content_words, stem

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-3, "today"),
        (0.5, "today"),
        (1.2, "yesterday"),
        (5, "5 days ago"),
        (13, "13 days ago"),
        (15, "2 weeks ago"),
        (45, "1 month ago"),
        (400, "1 year ago"),
        (800, "2 years ago"),
    ],
)
def test_age_in_words(days: float, words: str) -> None:
    assert age_in_words(NOW - timedelta(days=days), NOW) == words


def test_stale_after_a_year_unless_told_otherwise() -> None:
    assert is_stale(NOW - timedelta(days=366), NOW)
    assert not is_stale(NOW - timedelta(days=364), NOW)
    assert is_stale(NOW - timedelta(days=31), NOW, timedelta(days=30))


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When is payday?", AnswerKind.DATE),
        ("In which year was it founded?", AnswerKind.DATE),
        ("How many days?", AnswerKind.NUMBER),
        ("Who approves it?", AnswerKind.NAME),
        ("Can I work from Spain?", AnswerKind.OPEN),
    ],
)
def test_kind_of_answer(question: str, kind: AnswerKind) -> None:
    assert answer_kind(question) is kind


@pytest.mark.parametrize(
    ("question", "text", "held"),
    [
        ("When is payday?", "Salaries are paid on the 25th of the month, or the Friday before.", True),
        ("When is payday?", "Salaries are paid by transfer.", False),
        ("How many of the 5 offices?", "There are 5 offices.", False),
        ("How many offices?", "There are three.", True),
        ("Who is Dev?", "Dev Patel leads it.", True),
        ("Who approves it?", "the request is approved", False),
        ("Why?", "because", True),
    ],
)
def test_text_holds_the_kind(question: str, text: str, held: bool) -> None:
    assert holds_kind(question, text) is held


def test_unmet_specifics_counts_names_numbers_and_turns() -> None:
    text = "The Lisbon office opened in 1998."
    assert unmet_specifics("When did the Lisbon office open?", text) == 0
    assert unmet_specifics("Did the Berlin office not open in 1999?", text) == 3


@given(st.text(), st.text())
def test_cues_take_any_text(question: str, text: str) -> None:
    assert unmet_specifics(question, text) >= 0
    assert holds_kind(question, text) in {True, False}


def test_words_meet_across_endings() -> None:
    assert stem("claims") == stem("claimed") == stem("claiming") == stem("claim")
    assert content_words("What is the policy on Policies?") == [stem("policy"), stem("policies")]
    assert stem("policy") == stem("policies")
    assert content_words("🎉 !") == []


def test_support_grows_with_evidence_and_stays_a_probability() -> None:
    weak = Evidence(0.2, 0.1, 0.1, 1.0, 3.0)
    strong = Evidence(0.9, 0.8, 0.8, 0.0, 0.0)
    assert 0 < support(weak) < 0.05 < 0.95 < support(strong) < 1
    assert support(strong, Calibration(offset=-99)) > 0


def test_a_near_miss_lowers_support_for_what_is_on_the_topic_only() -> None:
    def lost(similarity: float) -> float:
        seen = (similarity, similarity, similarity, 0.0, 0.0)
        fits, misses = (Evidence(*seen, reading=Reading(odds, 1.0)) for odds in (0.0, -2.0))
        return support(fits) - support(misses)

    assert lost(0.65) > 0.1
    assert 0 <= lost(0.2) < 0.001


def test_what_is_no_prose_is_judged_by_its_topic_alone() -> None:
    seen = (0.8, 0.8, 0.8, 0.0, 0.0)
    listed, prose = (Evidence(*seen, reading=Reading(-2.0, share)) for share in (0.0, 1.0))
    assert support(listed) == support(Evidence(*seen)) > 0.95
    assert support(prose) < 0.3


def test_passages_read_together_are_as_good_as_the_one_that_answers() -> None:
    sure, unsure, list_of = Reading(3.0, 1.0), Reading(-3.0, 1.0), Reading(-3.0, 0.0)
    alone = together([sure], [0.8])
    assert alone == sure
    second = together([unsure, sure, list_of], [0.8, 0.8, 0.8])
    assert second.log_odds == pytest.approx(sure.log_odds - BY_CHANCE, abs=0.02)
    assert second.prose == pytest.approx(2 / 3)
    behind = together([unsure, sure, list_of], [0.8, 0.3, 0.3])
    assert behind.log_odds < -1 and behind.prose == pytest.approx(1.0, abs=0.01), "far behind the best"


@given(
    st.lists(st.tuples(st.floats(-12, 12), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=READ),
)
def test_reading_together_is_finite_and_lies_among_its_parts(parts: list[tuple[float, float, float]]) -> None:
    parts.sort(key=lambda part: -part[2])
    read = [Reading(odds, prose) for odds, prose, _ in parts]
    found = together(read, [score for *_, score in parts])
    assert found.log_odds <= max(one.log_odds for one in read) + math.log(READ)
    assert found.log_odds >= read[0].log_odds - BY_CHANCE - 1e-9
    assert min(one.prose for one in read) - 1e-9 <= found.prose <= max(one.prose for one in read) + 1e-9


def test_a_source_leaves_hidden_files_and_outside_links_alone(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "secret.md"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "a.md").write_text("x")
    (folder / "b.md").write_text("x")
    outside.write_text("x")
    (folder / "link.md").symlink_to(outside)
    source = open_source(folder)
    assert [file.path for file in source.files] == ["b.md"]
    one = open_source(folder / "b.md", known=[str(folder)])
    assert (one.name, one.files[0].path, one.is_whole) == (str(folder), "b.md", False)
    with pytest.raises(SourceMissing):
        open_source(folder / "nothing")


def close(patch: pytest.MonkeyPatch, closed: Path) -> None:
    """Have a folder listed by nobody, as one without permissions is."""
    scandir = os.scandir

    def refuse(path: str) -> Iterator[os.DirEntry[str]]:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    patch.setattr(os, "scandir", refuse)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leave").mkdir()
    (tmp_path / "leave" / "annual.md").write_text("x")
    (tmp_path / "travel.md").write_text("x")
    close(monkeypatch, tmp_path / "leave")
    source = open_source(tmp_path)
    assert ([file.path for file in source.files], source.unread) == (["travel.md"], ("leave",))
    with pytest.raises(SourceUnreadable):
        open_source(tmp_path / "leave")


def test_a_name_that_cannot_be_looked_up_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "travel.md").write_text("x")
    (tmp_path / "nowhere.md").symlink_to("nothing")
    (tmp_path / "round.md").symlink_to("round.md")

    def refuse(path: Path, **_: bool) -> os.stat_result:
        raise PermissionError(13, "Permission denied", str(path))

    assert [file.path for file in open_source(tmp_path).files] == ["travel.md"]
    root, stat = tmp_path.resolve(), Path.stat
    monkeypatch.setattr(Path, "stat", lambda path, **how: (stat if path == root else refuse)(path, **how))
    source = open_source(root)
    assert (source.files, source.unread) == ((), ("nowhere.md", "round.md", "travel.md"))
    with pytest.raises(SourceUnreadable):
        open_source(root / "travel.md")


def test_a_folder_without_files_is_refused_only_where_documents_came_from_it(tmp_path: Path) -> None:
    assert open_source(tmp_path).files == ()
    with pytest.raises(SourceEmptied):
        open_source(tmp_path, known=[str(tmp_path)])
    with pytest.raises(SourceEmptied):
        open_source(tmp_path, name="shelf", known=["shelf"])


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("You may\ncarry over 5 days. Not more, e.g. six days.", 2),
        ("- First item. It goes on here.\n- Second item", 3),
        ("| a | b |\n|---|---|\n| 1 | 2 |", 2),
        ("Dr. Smith of Acme Inc. said so. Yes.", 1),
        ("Costs 3.50 EUR. Version 2.0 is out now.", 2),
        ("```\ncode. More code.\n```", 1),
        ("", 0),
    ],
)
def test_sentences(text: str, sentences: int) -> None:
    assert len(split_sentences(text)) == sentences, split_sentences(text)


@given(st.text())
def test_joining_loses_no_word(text: str) -> None:
    assert join_wrapped(text).split() == text.split()


@given(st.text("abcXYZ .!?\n", max_size=200))
def test_splitting_loses_no_letter(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
