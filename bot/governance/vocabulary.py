"""The names a sentence may use: workflows, parameters, collections, documents, models. Pure."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from workflows.decision_tables import table_steps
from workflows.workflow import Workflow

NEAR = 0.84
"""Likeness from which a misspelt name counts as meant."""
_WORDS = re.compile(r"[^\W_]+")
# fmt: off
_SMALL = frozenset((
    "the", "a", "an", "our", "its", "it", "of", "on", "in", "for", "to", "from", "about", "document",
    "documents", "doc", "docs", "page", "pages", "file", "files", "article", "number", "value", "setting",
    "parameter",
))
# fmt: on
NOUNS = frozenset(("workflow", "bot", "assistant", "prompt", "flow", "command"))
"""After a name they say that a workflow is meant."""
# fmt: off
_COLLECTION_NOUNS = frozenset((
    "handbook", "collection", "knowledge", "docs", "documents", "documentation", "wiki", "base", "library",
))
# fmt: on
_MINE = frozenset(("my", "me", "mine", "i"))


@dataclass(frozen=True, slots=True)
class DocumentName:
    """A document as people may refer to it."""

    collection: str
    path: str
    title: str
    year: str = ""
    """Of its last change."""

    @property
    def name(self) -> str:
        """As targets are named."""
        return f"{self.collection}/{self.path}"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What exists just now."""

    workflows: Mapping[str, Workflow] = field(default_factory=dict)
    collections: tuple[str, ...] = ()
    documents: tuple[DocumentName, ...] = ()
    aliases: tuple[str, ...] = ()
    drafts: Mapping[str, Workflow] = field(default_factory=dict)
    """Workflows that were never released, which only have stages and cases yet."""
    retired: tuple[str, ...] = ()

    def with_drafts(self) -> "Vocabulary":
        """With what was never released among the workflows."""
        return replace(self, workflows={**self.workflows, **self.drafts})

    def retired_as(self, phrase: str) -> str:
        """The retired workflow that a phrase names; empty when it names none."""
        return next((name for name in self.retired if _plain(name) == _plain(phrase)), "")

    def workflow(self, phrase: str, *, loosely: bool = False) -> tuple[str, ...]:
        """Workflows a phrase may mean: one exactly named, else near ones; loosely, by any word of a name."""
        wanted = _plain(phrase)
        tokens = _tokens(phrase, NOUNS | {"the", "our"})
        wants_workflow = loosely or bool(set(_tokens(phrase, frozenset())) & NOUNS)
        bare = " ".join(tokens)
        if not bare or set(tokens) & _MINE:
            return ()
        called = {name: (_plain(name), _plain(each.title)) for name, each in self.workflows.items()}
        for likely in (wanted, bare):
            exact = tuple(name for name, forms in called.items() if likely in forms)
            if exact:
                return exact
        near = [name for name, forms in called.items() if _is_near(bare, forms)]
        if near or not wants_workflow:
            return tuple(near)
        return tuple(name for name, forms in called.items() if set(tokens) <= set(" ".join(forms).split()))

    def collection(self, phrase: str) -> tuple[str, ...]:
        """Collections a phrase may mean."""
        tokens = _tokens(phrase, frozenset({"the", "our", "this", "of"}))
        bare = [token for token in tokens if token not in _COLLECTION_NOUNS]
        if not bare:
            return self.collections if tokens else ()
        likely = " ".join(bare)
        exact = tuple(name for name in self.collections if _plain(name) in (likely, " ".join(tokens)))
        return exact or tuple(name for name in self.collections if _is_near(likely, (_plain(name),)))

    def document(self, phrase: str, collection: str = "") -> tuple[DocumentName, ...]:
        """Documents a phrase may mean: all of its words are in their title, path or year."""
        within = [each for each in self.documents if not collection or each.collection == collection]
        exact = tuple(
            each
            for each in within
            if phrase.strip().casefold()
            in (each.path.casefold(), each.name.casefold(), each.title.casefold())
        )
        if exact:
            return exact
        tokens = {_stem(token) for token in _tokens(phrase, _SMALL)}
        if not tokens or tokens & _MINE:
            return ()
        known = {each: _document_words(each) for each in within}
        found = [each for each, words in known.items() if tokens <= words]
        whole = [each for each in found if {_stem(word) for word in _tokens(each.title, _SMALL)} <= tokens]
        return tuple(whole or found)

    def documents_near(self, phrase: str, collection: str = "") -> tuple[DocumentName, ...]:
        """Documents that share a word with a phrase, those that share most first."""
        tokens = {_stem(token) for token in _tokens(phrase, _SMALL)}
        if tokens & _MINE:
            return ()
        within = [each for each in self.documents if not collection or each.collection == collection]
        shared = [(len(tokens & _document_words(each)), each) for each in within]
        return tuple(each for count, each in sorted(shared, key=lambda one: -one[0]) if count)

    def parameter(self, phrase: str, workflow: str) -> tuple[str, ...]:
        """Parameters of a workflow that a phrase may mean: by name, else by the words that explain it."""
        declared = self.workflows[workflow].parameters
        likely = " ".join(_tokens(phrase, frozenset({"the", "its", "parameter", "value", "of"})))
        exact = tuple(name for name in declared if _plain(name) == likely)
        if exact or not likely:
            return exact
        near = tuple(name for name in declared if _is_near(likely, (_plain(name),)))
        if near:
            return near
        tokens = {_stem(token) for token in _tokens(phrase, _SMALL)}
        if not tokens or tokens & _MINE:
            return ()
        return _best(tokens, {name: f"{_plain(name)} {each.help}" for name, each in declared.items()})

    def having_parameter(self, phrase: str) -> tuple[str, ...]:
        """Workflows with a parameter that a phrase names: by name only, for so little is said."""
        likely = " ".join(_tokens(phrase, frozenset({"the", "parameter", "number", "of"})))
        return tuple(
            name
            for name, each in self.workflows.items()
            if any(_is_near(likely, (_plain(parameter),)) for parameter in each.parameters)
        )

    def deciding(self) -> tuple[str, ...]:
        """Workflows with a decision table."""
        return tuple(name for name, each in self.workflows.items() if table_steps(each))


def nearest_of(phrase: str, choices: Sequence[str]) -> tuple[str, ...]:
    """Which of some names a phrase means: exactly one when it is clear, several when it fits several."""
    tokens = _tokens(phrase, frozenset({"the", "a", "an", "to", "it", "for", "them", "our"}))
    likely = " ".join(tokens)
    exact = tuple(choice for choice in choices if _plain(choice) == likely)
    if exact or not likely:
        return exact
    near = tuple(choice for choice in choices if _is_near(likely, (_plain(choice),)))
    if near:
        return near
    stems = {_stem(token) for token in tokens}
    return tuple(
        choice
        for choice in choices
        if stems <= (words := {_stem(word) for word in _plain(choice).split()}) or words <= stems
    )


def _best(tokens: set[str], described: Mapping[str, str]) -> tuple[str, ...]:
    """The names whose words hold all of the tokens."""
    return tuple(
        name
        for name, words in described.items()
        if tokens <= {_stem(word) for word in _tokens(words, _SMALL)}
    )


def _document_words(document: DocumentName) -> set[str]:
    words = _tokens(f"{document.title} {document.path} {document.year}", _SMALL)
    return {_stem(word) for word in words}


def _tokens(text: str, without: Iterable[str]) -> list[str]:
    left_out = set(without)
    return [word for word in _WORDS.findall(text.casefold()[:2000]) if word not in left_out]


def _plain(name: str) -> str:
    return " ".join(_WORDS.findall(name.casefold()))


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _is_near(likely: str, forms: Iterable[str]) -> bool:
    return any(difflib.SequenceMatcher(None, likely, form).ratio() >= NEAR for form in forms if form)
