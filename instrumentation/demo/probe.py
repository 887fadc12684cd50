"""Whether the service can read and write its database, asked in the background.

One rule: silence is bad news. The answer is computed from when the last good probe *began*, so a
probe that hangs, and a prober that died, turn it to "no" without anybody having to notice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


class DatabaseProbeFailed(Exception):
    """The database can't be read or written, or not in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    began_at: float
    problem: str | None


class DatabaseProbe:
    """Remembers how the last ``check`` ended, and for how long that may be believed.

    ``run`` is called at a steady pace by one thread of its own, so that two never run at once.
    ``problem`` is ``None`` while the last finished probe was good and began no longer ago than one
    pace and one deadline. A database that breaks or hangs just after a good probe therefore counts
    as down at most ``every_seconds + timeout_seconds`` later, and a healthy one, whose probes end
    in time, never does.

    Args:
        check: returns when the database can be used, raises when it can't.
        every_seconds: time from the start of one probe to the start of the next.
        timeout_seconds: a probe that takes longer has failed.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        check: Callable[[], None],
        *,
        every_seconds: float,
        timeout_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._check = check
        self._believed_seconds = every_seconds + timeout_seconds
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._outcome: _Outcome | None = None
        self._first_asked_at: float | None = None

    def run(self) -> None:
        """Probe once.

        Raises:
            DatabaseProbeFailed: the check raised, or took longer than the deadline.
        """
        began_at = self._clock()
        try:
            self._check()
        except Exception as error:
            first_line = (str(error).splitlines() or [""])[0]
            problem = f"{type(error).__name__}: {first_line}"
            self._outcome = _Outcome(began_at=began_at, problem=problem)
            raise DatabaseProbeFailed(problem) from error
        took_seconds = self._clock() - began_at
        late = took_seconds > self._timeout_seconds
        problem = f"the probe took {took_seconds:.1f} s, over {self._timeout_seconds:g} s"
        self._outcome = _Outcome(began_at=began_at, problem=problem if late else None)
        if late:
            raise DatabaseProbeFailed(problem)

    @property
    def problem(self) -> str | None:
        """Why the database counts as down, or ``None`` while it is up."""
        now = self._clock()
        if self._first_asked_at is None:
            # The prober starts with the first request: what was seen before does not age till then.
            self._first_asked_at = now
        outcome = self._outcome
        if outcome is None:
            return "no probe has ended yet"
        if outcome.problem is not None:
            return outcome.problem
        if now - max(outcome.began_at, self._first_asked_at) > self._believed_seconds:
            return f"no probe has ended well for {now - outcome.began_at:.1f} s: one hangs"
        return None

    @property
    def up(self) -> bool:
        """Whether the service can read and write its database."""
        return self.problem is None
