"""Somebody who looks around every so often while a game day goes on, in a thread of their own.

One rule: who can't look any more says so before the thread ends; nothing goes on unwatched.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Looking(ABC):
    """One thread that looks around until the context ends."""

    def __init__(self, name: str, every_seconds: float) -> None:
        """Call the thread ``name``, and look so often."""
        self._every_seconds = every_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def _look_around(self) -> None:
        """Look once, and do what follows from it."""

    @abstractmethod
    def _blinded(self, why: str) -> None:
        """Do what must be done where nobody looks any more, and why."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ended.wait(self._every_seconds):
                self._look_around()
        except BaseException as error:
            self._blinded(f"{type(error).__name__}: {error}")
            raise
