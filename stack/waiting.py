"""The one way to wait for a condition: poll it against a deadline of the monotonic clock.

Design rule: a wait that fails says what was awaited, for how long, and what was seen last; it
never returns as if the condition had come true.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["Interrupted", "NotYet", "WaitTimeout", "interruptible", "slice_of", "wait_until"]

SLICE_SECONDS = 0.05
"""How long a wait that may be interrupted goes on without looking whether it is."""

T = TypeVar("T")


class NotYet(Exception):
    """What a probe may raise in place of returning None, to say what it saw instead.

    The text of the last one becomes part of `WaitTimeout`: `raise NotYet("21 of 22 targets up")`.
    """


class Interrupted(Exception):
    """A wait was given up because whoever began it asked for that, not for want of time."""


_INTERRUPT: ContextVar[threading.Event | None] = ContextVar("interrupt", default=None)


@contextmanager
def interruptible(interrupt: threading.Event) -> Iterator[None]:
    """Let the waits of this thread raise `Interrupted` once `interrupt` is set, until one has.

    Only the first: what is repaired on the way out of it is waited for like everything else.
    """
    before = _INTERRUPT.set(interrupt)
    try:
        yield
    finally:
        _INTERRUPT.reset(before)


def slice_of(seconds: float) -> float:
    """Return how much of `seconds` to wait before asking again; raises `Interrupted`."""
    interrupt = _INTERRUPT.get()
    if interrupt is None:
        return seconds
    if interrupt.is_set():
        _INTERRUPT.set(None)
        raise Interrupted
    return min(seconds, SLICE_SECONDS)


class WaitTimeout(TimeoutError):
    """The awaited condition did not come true in time."""

    def __init__(self, *, what: str, elapsed_seconds: float, last_observation: str) -> None:
        super().__init__(
            f"waited {elapsed_seconds:.2f} s for {what}; last observation: {last_observation}"
        )
        self.what = what
        self.elapsed_seconds = elapsed_seconds
        self.last_observation = last_observation


def wait_until(
    probe: Callable[[], T | None],
    *,
    what: str,
    timeout_seconds: float,
    interval_seconds: float = 0.02,
    retry_on: tuple[type[Exception], ...] = (),
) -> T:
    """Call `probe` until it returns a value, and return that.

    None and False mean "not yet", as does `NotYet` or an exception of the types `retry_on`; any
    other exception ends the wait at once. The probe is called at least once, and once more when
    the time is up, so that a slow probe near the deadline is not taken for a missed condition.

    Raises `WaitTimeout` after `timeout_seconds`, and `Interrupted` within `interruptible`.
    """
    started = time.monotonic()
    deadline = started + timeout_seconds
    pause = threading.Event()
    last_observation = "none"
    while True:
        last_round = time.monotonic() >= deadline
        try:
            value = probe()
        except NotYet as not_yet:
            last_observation = str(not_yet)
        except retry_on as error:
            last_observation = f"{type(error).__name__}: {error}"
        else:
            if value is not None and value is not False:
                return value
            last_observation = repr(value)
        now = time.monotonic()
        if last_round:
            raise WaitTimeout(
                what=what, elapsed_seconds=now - started, last_observation=last_observation
            )
        pause.wait(slice_of(min(interval_seconds, max(0.0, deadline - now))))
