"""Ids that say nothing: of runs, of incidents, and of messages that must not be posted twice."""

import base64
import os
import uuid

_NAMESPACE = uuid.UUID("6f2d7c1e-93a4-5b58-8f0e-2f4f6d1b7a90")


def run_id() -> str:
    """`r_` and 80 random bits."""
    return "r_" + _random(10)


def change_id() -> str:
    """`c_` and 40 random bits: short, because people type it."""
    return "c_" + _random(5)


def evaluation_id() -> str:
    """`e_` and 40 random bits."""
    return "e_" + _random(5)


def conversation_id() -> str:
    """`v_` and 40 random bits."""
    return "v_" + _random(5)


def draft_id() -> str:
    """`t_` and 40 random bits."""
    return "t_" + _random(5)


def budget_id() -> str:
    """`b_` and 40 random bits."""
    return "b_" + _random(5)


def top_up_id() -> str:
    """`u_` and 40 random bits."""
    return "u_" + _random(5)


def topic_id() -> str:
    """`q_` and 40 random bits."""
    return "q_" + _random(5)


def alert_id() -> str:
    """`a_` and 40 random bits."""
    return "a_" + _random(5)


def incident_token() -> str:
    """`i_` and 40 random bits: shown to the person and written to the log."""
    return "i_" + _random(5)


def message_id(run: str, key: str) -> str:
    """The same for the same run and key, so a message has one id however often it is queued."""
    return str(uuid.uuid5(_NAMESPACE, f"{run}/{key}"))


def _random(count: int) -> str:
    """That many random bytes, a multiple of 5, in lower-case base 32."""
    return base64.b32encode(os.urandom(count)).decode().lower()
