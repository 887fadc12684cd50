"""Each finished request is one record; what it costs is paid by every request, so it is little."""

import hmac
import logging
from collections.abc import Callable, Mapping

from flask import Flask

from instrumentation.correlation import CURRENT, RequestState
from instrumentation.log_fields import FinishedRecord
from instrumentation.request_metrics import is_metrics_endpoint

ACCESS = logging.getLogger("instrumentation.request")

UserId = Callable[[], str | None]

_log = logging.getLogger(__name__)
_RANDOM_DIGITS = 14
"""The last 56 bits of a trace id are random, as W3C's Trace Context (level 2) asks."""

_RANDOM_END = 16.0**_RANDOM_DIGITS
_MAX_USER_CHARACTERS = 256


class AccessLog:
    """Logs finished requests: scrapes at DEBUG, failures at ERROR, others at INFO.

    `sample` holds, by route template, the share of successful requests that is logged.
    """

    def __init__(self, sample: Mapping[str, float] | None) -> None:
        self._sample = dict(sample or {})

    def __call__(self, state: RequestState) -> None:
        """Log one request, unless it is sampled away."""
        status = state.status or 500
        share: float | None = None
        if status >= 500 or state.error_type is not None:
            level = logging.ERROR
        elif state.endpoint is not None and is_metrics_endpoint(state.endpoint):
            level = logging.DEBUG
        else:
            level = logging.INFO
        if self._sample and status < 400 and level != logging.ERROR:
            share = self._sample.get(state.rule or "")
            if share is not None and not kept(state.trace_id, share):
                return
        if ACCESS.isEnabledFor(level):
            ACCESS.handle(FinishedRecord(ACCESS.name, level, state, share))


def kept(trace_id: str, share: float) -> bool:
    """Tell whether a trace is among the share that is logged.

    As OpenTelemetry's consistent probability sampling decides, so that every service which the
    trace passes keeps it, or none of those that log the same share.
    """
    return int(trace_id[-_RANDOM_DIGITS:], 16) >= (1.0 - share) * _RANDOM_END


class UserIds:
    """Asks the application who is asking, in the request's context, and hashes the answer.

    It is asked before the request is handled, and after it again where nobody was known yet, as
    the request may have been the login; never for a probe or a scrape. A callable that raises
    costs a warning, once.
    """

    def __init__(self, app: Flask, user_id: UserId, key: bytes | None) -> None:
        self._user_id = user_id
        self._key = key
        self._warned = False
        app.before_request(self._ask)
        app.teardown_request(self._ask_again)

    def _ask(self) -> None:
        state = CURRENT.get()
        if state is None or state.user_id is not None:
            return
        if state.endpoint is not None and is_metrics_endpoint(state.endpoint):
            return  # a probe or a scrape is nobody's, and may open nothing
        try:
            answer = self._user_id()
            if answer is not None:
                state.user_id = self._shown(str(answer))
        except Exception:  # noqa: BLE001  # the team's code may raise anything; the request must go on
            if not self._warned:
                self._warned = True
                _log.warning("user_id raised; its requests are logged without", exc_info=True)

    def _ask_again(self, _error: BaseException | None) -> None:
        self._ask()

    def _shown(self, user: str) -> str:
        if self._key is None:
            return user[:_MAX_USER_CHARACTERS]
        return hmac.digest(self._key, user.encode("utf-8", "backslashreplace"), "sha256").hex()
