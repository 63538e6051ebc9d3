import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.run import Json
from workflows.template import (
    MAX_RENDERED,
    InvalidPrompt,
    InvalidTemplate,
    RenderedTooLong,
    nearest,
    parse_prompt,
    parse_template,
)

SCOPE: dict[str, Json] = {
    "inputs": {
        "question": "{{ secret }}",
        "empty": None,
        "list": ["a", 2],
        "yes": True,
        "n": 0.5,
        "deep": {"x": 1},
    },
    "secret": "must not show",
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{ inputs.question }}", "{{ secret }}"),
        ("{{inputs.question}}!", "{{ secret }}!"),
        ("a {{ inputs.empty }} b", "a  b"),
        ("{{ inputs.list }}", "a, 2"),
        ("{{ inputs.yes }}", "true"),
        ("{{ inputs.n }}", "0.5"),
        ("{{ inputs.deep }}", '{"x": 1}'),
        ("{{ inputs.deep.x }}", "1"),
        ("{{ inputs.deep.y.z }}", ""),
        ("{{ nobody.home }}", ""),
        ("{% if x %}{# not ours #}", "{% if x %}{# not ours #}"),
        ("{ {x} }", "{ {x} }"),
    ],
)
def test_render(source: str, text: str) -> None:
    assert parse_template(source).render(SCOPE) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ }}",
        "{{ a b }}",
        "{{ a.b() }}",
        "{{ a | upper }}",
        "{{ a['b'] }}",
        "{{ 1 }}",
        "{{ a..b }}",
        "{{ a",
        "x {{",
        "{{ a }} {{ b",
        "{{ a\n}}",
        "{{ {{ a }} }}",
        "x" * 70_000,
    ],
)
def test_what_is_not_a_name_is_refused(source: str) -> None:
    with pytest.raises(InvalidTemplate):
        parse_template(source)


def test_one_hole_keeps_the_type() -> None:
    assert parse_template("{{ inputs.list }}").value(SCOPE) == ["a", 2]
    assert parse_template(" {{ inputs.n }}").value(SCOPE) == " 0.5"


def test_references() -> None:
    assert parse_template("{{ a.b }} and {{ c }}").references == (("a", "b"), ("c",))


def test_too_long() -> None:
    template = parse_template("{{ x }}{{ x }}")
    with pytest.raises(RenderedTooLong):
        template.render({"x": "y" * (MAX_RENDERED // 2 + 1)})


@given(st.text(), st.text())
def test_values_are_never_read_again(value: str, other: str) -> None:
    assert parse_template("<{{ a }}|{{ b }}>").render({"a": value, "b": other}) == f"<{value}|{other}>"


@given(st.text(alphabet="{}% ab.|\n", max_size=40))
def test_any_text_is_a_template_or_refused(source: str) -> None:
    try:
        template = parse_template(source)
    except InvalidTemplate as error:
        assert error.facts
    else:
        assert template.render({}) == "".join(part for part in template.parts if isinstance(part, str))


def test_a_prompt_declares_its_variables() -> None:
    prompt = parse_prompt(
        "p", "---\nvariables: [question, tone]\n---\nAnswer {{ question }} in a {{ tone }} tone.\n"
    )
    assert prompt.variables == ("question", "tone")
    assert prompt.template.render({"question": "q", "tone": "t"}) == "Answer q in a t tone."


def test_a_prompt_without_front_matter() -> None:
    assert parse_prompt("p", "Answer {{ question }}.").variables == ("question",)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        ("---\nvariables: [a]\n---\n", "never used"),
        ("---\nvariables: [question]\n---\n{{ questoin }} {{ question }}", "did you mean `question`"),
        ("---\nvariables: [a, b]\n---\n{{ a }}", "never used"),
        ("---\nvariables: [a]\nmodel: gpt\n---\n{{ a }}", "only key"),
        ("---\nvariables: a\n---\n{{ a }}", "list of names"),
        ("---\nvariables: [a\n---\n{{ a }}", "not YAML"),
        ("{{ a | upper }}", "plain name"),
        ("{{ a.b }}", "not declared"),
    ],
)
def test_bad_prompts(text: str, part: str) -> None:
    with pytest.raises(InvalidPrompt, match=part):
        parse_prompt("p", text)


def test_the_line_of_a_bad_hole() -> None:
    with pytest.raises(InvalidPrompt) as caught:
        parse_prompt("p", "---\nvariables: [a]\n---\n\nfirst {{ a }}\nsecond {{ a b }}\n")
    assert caught.value.problems[0].line == 6


@pytest.mark.parametrize(
    ("word", "hint"),
    [("qestion", "; did you mean `question`?"), ("zzz", "; there is `question`, `tone`")],
)
def test_nearest(word: str, hint: str) -> None:
    assert nearest(word, ["tone", "question"]) == hint


def test_nearest_of_nothing() -> None:
    assert nearest("x", []) == ""
