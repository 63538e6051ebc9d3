"""How each command may be said: expressions whose groups are its pieces. Pure.

Expressions are run on at most MAX_HEAD characters, so that even the worst sentence is read in milliseconds.
"""

import re
from dataclasses import dataclass

_PERSON = "(?P<grantee>\ue002(?:[A-Z0-9]{2,31}|everyone)\ue003|@[\\w.-]{1,40})"
_RIGHT = r"(?: role| rights?| access)?"
_SWAP = r"(?:swap|switch|change|set|move)"
_CASE = r"add (?:a |another )?(?:golden |test )?case"
_ROLE = r"(?P<role>runner|editor|approver|owner|admin|administrator|auditor)"
_THE = r"(?:(?:the|our) )?"
_OVER = r"(?: (?:of|for|on|over|to|in) (?P<over>.+))?"
_OF = r"(?: (?:of|for|in) (?P<workflow>.+?))?"
_DOING = r"(?P<verb>{})"
_VERB = _DOING.format(
    r"run|use|ask|edit|change|propose changes to|approve(?: changes (?:to|of))?|own|administer|manage|audit"
)
_VERBING = _DOING.format(
    r"running|using|asking|editing|changing|approving|owning|administering|managing|auditing"
)
_TOPIC = r"(?P<topic>prompts?|parameters?|settings|values|rules?|decision tables?|workflow|models?)"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to say a command. Groups of the expression are slots."""

    kind: str
    expression: re.Pattern[str]
    body: str = ""
    """The slot that what follows a colon fills; empty: the sentence has nothing after a colon."""
    is_query: bool = False
    """May be asked with a question mark."""


def _say(kind: str, expression: str, body: str = "", *, is_query: bool = False) -> Pattern:
    return Pattern(kind, re.compile(expression, re.IGNORECASE), body, is_query)


PATTERNS: tuple[Pattern, ...] = (
    _say("help", r"help(?: me)?|(?:what (?:can|may) i|how do i) (?:say|change)(?: here)?", is_query=True),
    _say(
        "undo",
        r"(?:undo|revert|take back)(?: (?:that|this|it|(?:the|my) last (?:change|one)"
        r"|(?:the )?(?:change )?(?P<change>c_[a-z2-7]{8})))",
    ),
    _say("undo", r"undo|take (?:that|it) back"),
    _say("roll_back", r"roll(?: |-)?back (?P<what>.+?)(?: to (?:version )?v?(?P<to>\d{1,6}))?"),
    _say("roll_back", r"roll (?P<what>.+?) back(?: to (?:version )?v?(?P<to>\d{1,6}))?"),
    _say("roll_back", r"(?:go back|return|revert) to version (?P<to>\d{1,6}) of (?P<what>.+)"),
    _say("roll_back", r"restore version (?P<to>\d{1,6}) of (?P<what>.+)"),
    _say("roll_back", r"(?:revert|restore) (?P<what>.+?)(?: to version (?P<to>\d{1,6}))?"),
    _say("roll_back", r"roll(?: |-)?back"),
    _say("add_case", rf"add (?:this as )?(?:a |another )?(?:golden |test )?case{_OF}", "case"),
    _say("add_case", rf"{_CASE} (?:to|for|of) (?P<workflow>.+)", "case"),
    _say(
        "add_case",
        _CASE + " (?:to|for|of) (?P<workflow>[^\ue000]+?) (?P<case>\ue000.+)",
    ),
    _say(
        "edit_prompt",
        rf"(?:replace|set|rewrite) {_THE}prompt{_OF} (?:with|to|by|as)(?: this| the following)?",
        "text",
    ),
    _say(
        "edit_prompt",
        rf"(?:change|edit|rewrite|update|adjust|improve) {_THE}prompts?{_OF}"
        r"(?: (?:so that it|so it|so that|to) (?P<instructions>.+))?",
        "instructions",
    ),
    _say("edit_prompt", rf"add (?:this )?to {_THE}prompt{_OF}", "instructions"),
    _say("edit_prompt", rf"add (?P<instructions>.+) to {_THE}prompt{_OF}"),
    _say("edit_prompt", r"(?:make|have|tell|teach|instruct) (?P<rest>.+)", "more"),
    _say(
        "swap_model",
        rf"{_SWAP} {_THE}model(?: of)? (?P<alias>[\w-]+) (?:to|for|with) (?P<model>.+)",
    ),
    _say(
        "swap_model",
        rf"{_SWAP} {_THE}(?P<alias>[\w-]+) model(?: (?:to|for|with) (?P<model>.+))?",
    ),
    _say("swap_model", rf"{_SWAP} {_THE}model(?: (?:to|for|with) (?P<model>.+))?"),
    _say("swap_model", r"use (?P<model>\S+) (?:for|as) (?:the )?(?P<alias>[\w-]+)(?: model)?"),
    _say(
        "set_parameter",
        r"(?:set|change|put|raise|increase|lower|reduce|decrease|turn)(?: up| down)? (?P<what>.+)"
        r"(?: (?:up |down )?(?:to|at)| ?=) (?P<value>.+)",
    ),
    _say("set_parameter", r"(?:set|change|raise|increase|lower|reduce|decrease) (?P<what>.+)"),
    _say(
        "edit_rule",
        r"(?:(?:in|for) (?P<workflow>[^,]+?),? )?(?:when|whenever|if) (?P<condition>.+?)"
        r"(?:,? then|,)? (?:send|route|pass|give|hand|forward|escalate)"
        r"(?: it| them| this| those| that| the \w+)?(?: on| over)? to (?P<outcome>.+?)"
        r"(?:,? because (?P<because>.+))?",
    ),
    _say(
        "edit_rule",
        r"(?:(?:in|for) (?P<workflow>[^,]+?),? )?(?:when|whenever|if) (?P<condition>.+?)"
        r"(?:,? then(?: it is| use| choose| it goes to| go to)?|,? (?:use|choose|it goes to|go to)) "
        r"(?P<outcome>.+?)(?:,? because (?P<because>.+))?",
    ),
    _say(
        "add_knowledge",
        r"(?:add|save|put|store|write) (?P<heading>.+) (?:in|to|into|under) (?P<collection>.+)",
        "text",
    ),
    _say("add_knowledge", r"(?:add|save) (?:in|to|into) (?P<collection>.+)", "text"),
    _say("forget_knowledge", r"(?P<how>forget|remove|delete|drop) (?P<document>.+) from (?P<collection>.+)"),
    _say("forget_knowledge", r"(?P<how>forget|remove|delete|drop) (?P<document>.+)"),
    _say("grant", rf"(?:let|allow) {_PERSON}(?: to)? {_VERB} (?P<over>.+)"),
    _say("grant", rf"make {_PERSON} (?:an? |the )?{_ROLE}{_OVER}"),
    _say("grant", rf"add {_PERSON} as (?:an? |the )?{_ROLE}{_OVER}"),
    _say(
        "grant",
        rf"(?:give|grant) {_PERSON} (?:the )?(?:role (?:of )?)?{_ROLE}{_RIGHT}{_OVER}",
    ),
    _say("grant", rf"(?:give|grant) (?:the )?{_ROLE}{_RIGHT} to {_PERSON}{_OVER}"),
    _say("revoke", rf"(?:stop|prevent) {_PERSON} from {_VERBING} (?P<over>.+)"),
    _say("revoke", rf"(?:do not|don't|no longer) let {_PERSON} {_VERB} (?P<over>.+)"),
    _say(
        "revoke",
        rf"(?:revoke|remove|take) (?:the )?{_ROLE}{_RIGHT}(?: away)? from {_PERSON}{_OVER}",
    ),
    _say("revoke", rf"remove {_PERSON} as (?:an? |the )?{_ROLE}{_OVER}"),
    _say("pilot", r"pilot (?P<workflow>.+?) (?:with|for|to|among) (?P<people>.+)"),
    _say("pilot", r"(?:start a )?pilot (?:of )?(?P<workflow>.+)"),
    _say("promote", r"(?:promote|release) (?P<workflow>.+?)(?: to production)?"),
    _say("retire", r"retire (?P<workflow>.+)"),
    _say("evaluate", r"(?:evaluate|test) (?P<workflow>.+)"),
    _say("evaluate", r"run (?:the |all )?(?:golden |test )?cases (?:of|for|in) (?P<workflow>.+)"),
    _say(
        "history",
        r"(?:show (?:me )?)?(?:the )?(?:history|versions|changelog) of (?P<target>.+)",
        is_query=True,
    ),
    _say(
        "who_changed",
        r"who (?:last )?(?:changed|edited|touched|updated|modified|wrote) (?P<target>.+?)"
        r"(?: last| recently| most recently)?",
        is_query=True,
    ),
    _say("who_changed", r"when was (?P<target>.+) last (?:changed|edited|updated)", is_query=True),
    _say(
        "changes",
        r"(?:show|list)(?: me)?(?: the| all| my)?(?P<open> open| waiting| pending)? change(?:s| requests?)"
        r"(?: (?:of|for|to) (?P<workflow>.+))?",
        is_query=True,
    ),
    _say("changes", r"what (?P<open>is waiting)(?: for (?:approval|review|me))?", is_query=True),
    _say("changes", r"(?:which|what) changes are (?P<open>open|waiting)", is_query=True),
    _say("show", rf"(?:show|display|print|view)(?: me)? {_THE}{_TOPIC}(?: (?:of|for|in) (?P<workflow>.+))?"),
    _say("show", rf"what (?:is|are) {_THE}{_TOPIC} (?:of|for|in) (?P<workflow>.+)", is_query=True),
    _say("show", r"show(?: me)? (?P<workflow>.+)"),
)
