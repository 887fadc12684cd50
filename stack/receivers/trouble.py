"""How a receiver's service fails when it is told to, and for how long.

Design rule: trouble is bounded. It ends with its `with` block at the latest, and before that after
a number of requests or of seconds; whoever waits for it waits in the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from threading import Event, Lock, Timer


class Trouble(StrEnum):
    """What goes wrong."""

    RATE_LIMITED = "rate limited"
    """Answered 429 (451 4.7.1 by the mail server); the message is not taken."""
    SERVER_ERROR = "server error"
    """Answered 500 (451 4.3.0); the message is not taken."""
    SILENT = "silent"
    """The message is taken, and no answer ever comes: the sender can't know and sends again."""
    REFUSED = "refused"
    """Nobody listens on the port, open connections are dropped; the port stays ours."""


class Spell:
    """One stretch of trouble. `hits` counts the requests that fell under it."""

    def __init__(self, trouble: Trouble, times: int | None) -> None:
        self.trouble = trouble
        self.hits = 0
        self.over = Event()
        self._times = times

    def hit(self) -> bool:
        """Count a request; tell whether more may follow."""
        self.hits += 1
        return self._times is None or self.hits < self._times


class Troubles:
    """The troubles of one service, one at a time.

    `close` and `reopen` stop and start its listening, on the same port.
    """

    def __init__(self, close: Callable[[], None], reopen: Callable[[], None]) -> None:
        self._close = close
        self._reopen = reopen
        self._lock = Lock()
        self._current: Spell | None = None

    @contextmanager
    def failing(
        self, trouble: Trouble, *, times: int | None = None, seconds: float | None = None
    ) -> Iterator[Spell]:
        """Fail until the block ends, or for `times` requests, or for `seconds` from now.

        Raises ValueError for `times` with REFUSED, as nobody counts what is never accepted, and
        RuntimeError while another trouble lasts.
        """
        if times is not None and trouble is Trouble.REFUSED:
            raise ValueError("refused connections can't be counted: bound them by seconds")
        spell = Spell(trouble, times)
        with self._lock:
            if self._current is not None:
                raise RuntimeError(f"it already is in trouble: {self._current.trouble}")
            self._current = spell
            if trouble is Trouble.REFUSED:
                self._close()
        timer = Timer(seconds, self._end, (spell,)) if seconds is not None else None
        try:
            if timer is not None:
                timer.start()
            yield spell
        finally:
            if timer is not None:
                timer.cancel()
            self._end(spell)
            if timer is not None:
                timer.join()

    def hit(self) -> Spell | None:
        """Return the spell that the request at hand falls under, and count it."""
        with self._lock:
            spell = self._current
            if spell is not None and not spell.hit():
                self._current = None
        return spell

    def _end(self, spell: Spell) -> None:
        with self._lock:
            if spell.over.is_set():
                return
            if self._current is spell:
                self._current = None
            if spell.trouble is Trouble.REFUSED:
                self._reopen()
            spell.over.set()
