"""Structured log lines on stderr: readable at a terminal, JSON elsewhere, never with a secret in them."""

import logging
import re
import sys
from typing import Any

import structlog

SECRET = re.compile(r"\b(xox[abeprs]-|xapp-|sk-|ghp_|AKIA)[A-Za-z0-9_-]{6,}")
"""Slack, OpenAI-style, GitHub and AWS tokens, by how they begin."""

QUIET = (
    "chromadb",
    "httpx",
    "LiteLLM",
    "slack_bolt",
    "slack_sdk",
    "aiohttp.access",
    "alembic",
    "apscheduler",
)
"""Libraries whose own lines matter only from warnings on."""

NEEDLESS = "`token` will be unused"
"""Bolt's warning that SLACK_BOT_TOKEN is set, from where our own client has it."""


def set_up(level: str) -> None:
    """Send everything that is logged, ours and the libraries', through one formatter to stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    at_terminal = sys.stderr.isatty()
    last = structlog.dev.ConsoleRenderer() if at_terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        # asked first: a line that is not wanted should cost nothing
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last, _hide_secrets],
        )
    )
    # some libraries open their own loggers wide when they are imported, which is later than this
    handler.setLevel(level.upper())
    handler.addFilter(lambda record: NEEDLESS not in str(record.msg))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _hide_secrets(_logger: Any, _method: str, line: Any) -> str:
    """Of the whole line as it is written: wherever in it a token stands, and at the price of one search."""
    return SECRET.sub(r"\1***", str(line))
