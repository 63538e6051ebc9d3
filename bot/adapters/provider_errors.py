"""What went wrong with a provider, as our errors: read from status codes and causes, never from its words."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.adapters.profiles import ModelProfile
from workflows.ports import ModelError, ModelRefused, ModelTimeout, ModelUnavailable

_REFUSALS = {400: "request", 401: "key", 403: "key", 404: "unknown_model", 413: "too_long", 422: "request"}
_UNREACHABLE = ("ConnectError", "ConnectTimeout", "ClientConnectorError", "ConnectionError", "gaierror")
_LONGEST_CHAIN = 12


class CallFailed(Exception):
    """One call gave nothing usable, and what may be done about it."""

    def __init__(
        self,
        error: ModelError,
        *,
        may_retry: bool = False,
        may_fall_back: bool = True,
        is_fault: bool | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(type(error).__name__)
        self.error = error
        self.may_retry = may_retry
        """The same call may succeed in a moment."""
        self.is_fault = may_retry if is_fault is None else is_fault
        """The provider's, so its circuit counts it; one request that is refused is none."""
        self.may_fall_back = may_fall_back
        self.retry_after_s = retry_after_s
        """What the provider asked for."""


def facts_of(profile: ModelProfile) -> dict[str, str]:
    """Model and host, without anything that could be a secret."""
    facts = {"model": profile.model}
    host = urlsplit(profile.api_base or "").netloc.rpartition("@")[2]
    if host:
        facts["host"] = host
    return facts


def failure_of(error: Exception, profile: ModelProfile, alias: str) -> CallFailed:
    """Judge an exception of litellm, or a timeout of ours."""
    ours = next((e for e in _chain(error) if isinstance(e, ModelError)), None)
    if ours is not None:
        return CallFailed(ours, may_fall_back=False)
    facts = facts_of(profile)
    status = getattr(error, "status_code", None)
    names = {type(e).__name__ for e in _chain(error)}
    if any(name.endswith(_UNREACHABLE) for name in names):
        return CallFailed(ModelUnavailable(alias, reason="unreachable", **facts), may_retry=True)
    if isinstance(error, TimeoutError) or status == 408:
        return CallFailed(ModelTimeout(alias, **facts), may_retry=True)
    if "ContentPolicyViolationError" in names:
        return CallFailed(ModelRefused(alias, reason="content_policy", **facts), may_fall_back=False)
    if "ContextWindowExceededError" in names:
        return CallFailed(ModelRefused(alias, reason="too_long", **facts), may_fall_back=False)
    if status == 429:
        refused = ModelRefused(alias, reason="quota", **facts)
        return CallFailed(refused, may_retry=True, retry_after_s=_retry_after(error))
    if status in _REFUSALS:
        refused = _refusal(alias, _REFUSALS[status], profile)
        return CallFailed(refused, may_fall_back=status == 404)
    is_theirs = status == 409 or (status or 0) >= 500
    reason = "server_error" if is_theirs else "unreadable_reply"
    # what cannot be read may have been paid for
    return CallFailed(ModelUnavailable(alias, reason=reason, **facts), may_retry=is_theirs, is_fault=True)


def _refusal(alias: str, reason: str, profile: ModelProfile) -> ModelRefused:
    facts = facts_of(profile)
    if reason == "key" and profile.api_key_env:
        facts["setting"] = profile.api_key_env
    return ModelRefused(alias, reason=reason, **facts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if current is None:
            return
        yield current
        original = getattr(current, "original_exception", None)
        if not isinstance(original, BaseException) or original is current:
            original = None
        current = current.__cause__ or current.__context__ or original


def _retry_after(error: Exception) -> float | None:
    for headers in (
        getattr(error, "litellm_response_headers", None),
        getattr(getattr(error, "response", None), "headers", None),
    ):
        value = headers.get("retry-after") if headers is not None else None
        if isinstance(value, str) and re.fullmatch(r"\d{1,6}(\.\d+)?", value):
            return float(value)
    return None
