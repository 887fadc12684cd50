"""Lets the work of a run begin in turn: what takes longest first, each when there is room for it.

One rule: one thread lets in, so that nobody is overtaken, and whoever waits holds nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from scenarios.headroom import UNSEEN_SECONDS


def _to_nobody(_phase: str, _limit_seconds: float) -> None:
    """Drop what is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What asks for room: how long it takes, how many places, and what it is."""

    run: Callable[[], None]
    seconds: float
    weight: float
    unseen_seconds: float = UNSEEN_SECONDS
    say: Callable[[str, float], None] = _to_nobody
    ended: threading.Event = field(default_factory=threading.Event)


class Place(Protocol):
    """What gives room on the machine (:meth:`scenarios.grounds.Grounds.place`)."""

    def __call__(
        self, weight: float, say: Callable[[str, float], None], unseen_seconds: float
    ) -> AbstractContextManager[None]:
        """Wait until there is room, and hold it until the context ends."""


class Turns:
    """The work of one run, each piece in a thread of its own once it was let in."""

    def __init__(self, work: Iterable[Work], place: Place) -> None:
        self._work = sorted(work, key=lambda one: one.seconds, reverse=True)
        self._place = place
        self._given_up = False

    def start(self) -> None:
        """Begin to let in, and return."""
        threading.Thread(target=self._let_in, name="turns", daemon=True).start()

    def give_up(self) -> None:
        """Let nobody in any more."""
        self._given_up = True

    def _let_in(self) -> None:
        for one in self._work:
            with ExitStack() as room:
                room.enter_context(self._place(one.weight, one.say, one.unseen_seconds))
                if self._given_up:
                    return
                arguments = (one, room.pop_all())
            threading.Thread(target=self._run, args=arguments, daemon=True).start()

    @staticmethod
    def _run(one: Work, room: ExitStack) -> None:
        try:
            with room:
                one.run()
        finally:
            one.ended.set()
