"""The gate through which all work of a run passes: what takes longest first, as there is room.

One rule: one thread lets in, so that nobody is overtaken, and whoever waits holds nothing. So what
needs much room comes early: while it waits, the room that it can't use stays empty.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from scenarios.headroom import UNSEEN_SECONDS
from scenarios.saying import SayPhase, phase_to_nobody

LARGE = 8.0
"""From so many places on, a piece of work counts as longer than it is, in proportion. Seen with
``pytest checks --stack=containers``: a drill of 19 places that came after eleven others kept all
others out for 28 s, in which half of the machine was idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A piece of work that asks for room.

    Attributes:
        run: does it, in a thread of its own.
        seconds: about how long it takes.
        weight: how many places it takes (``scenarios.weight``).
        unseen_seconds: how long until what it takes shows in the machine's idle time.
        say: told while it waits.
        ended: set when it has ended, however it did, or will never begin.
    """

    run: Callable[[], None]
    seconds: float
    weight: float
    unseen_seconds: float = UNSEEN_SECONDS
    say: SayPhase = phase_to_nobody
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def urgency(self) -> float:
        """What comes first: what takes long, and what takes much."""
        return self.seconds * max(1.0, self.weight / LARGE)


class Room(Protocol):
    """What gives room on the machine (:meth:`scenarios.grounds.Grounds.room`)."""

    def __call__(
        self, weight: float, say: SayPhase, unseen_seconds: float
    ) -> AbstractContextManager[None]:
        """Wait until there is room, and hold it until the context ends."""


class Gate:
    """Lets the work of one run in, each piece in a thread of its own."""

    def __init__(self, work: Iterable[Work], room: Room) -> None:
        self._work = sorted(work, key=lambda one: one.urgency, reverse=True)
        self._room = room
        self._closed = False

    def open(self) -> None:
        """Begin to let in, and return."""
        threading.Thread(target=self._let_in, name="gate", daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._closed = True

    def _let_in(self) -> None:
        begun = 0
        try:
            for one in self._work:
                with ExitStack() as room:
                    room.enter_context(self._room(one.weight, one.say, one.unseen_seconds))
                    if self._closed:
                        return
                    held = room.pop_all()
                with ExitStack() as unless_begun:
                    unless_begun.push(held)
                    threading.Thread(target=self._run, args=(one, held), daemon=True).start()
                    unless_begun.pop_all()
                begun += 1
        finally:
            # Nobody waits for ever for what is never let in.
            for one in self._work[begun:]:
                one.ended.set()

    @staticmethod
    def _run(one: Work, room: ExitStack) -> None:
        try:
            with room:
                one.run()
        finally:
            one.ended.set()
