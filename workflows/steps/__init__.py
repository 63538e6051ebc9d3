"""The step kinds: one module each, registered in this one table."""

from collections.abc import Mapping

from workflows.steps import call, check, classify, collect, decide, extract, prompt, render, retrieve
from workflows.steps.base import Kind

KINDS: Mapping[str, Kind] = {
    "retrieve": retrieve.KIND,
    "prompt": prompt.KIND,
    "classify": classify.KIND,
    "extract": extract.KIND,
    "decide": decide.KIND,
    "check": check.KIND,
    "template": render.KIND,
    "call": call.KIND,
    "collect": collect.KIND,
}
