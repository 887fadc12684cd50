"""How the double answers: chosen by the content of a file, which is read for each request.

One rule: an order that can't be understood changes nothing, and is said aloud.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path


class Behaviour(StrEnum):
    """What the gateway does."""

    NORMAL = "normal"
    """Answers by the card: the test cards that succeed, succeed."""
    ERROR500 = "error500"
    """Answers every request with a server error."""
    TIMEOUT = "timeout"
    """Answers nothing: it holds each request until the client hangs up, at most 30 s."""
    REFUSE_KEY = "refuse_key"
    """Refuses every key, as after one was revoked."""
    DECLINE = "decline"
    """Declines every card."""


class Control:
    """The behaviour that the control file asks for.

    A file that is missing asks for ``normal``. One that is empty, or names no behaviour, keeps the
    last one: whoever writes it may be in the middle of that.

    Args:
        path: the control file; without one the behaviour is always ``normal``.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._last = Behaviour.NORMAL
        self._refused: str | None = None

    def read(self) -> Behaviour:
        """Return the behaviour for the request at hand."""
        if self._path is None:
            return Behaviour.NORMAL
        try:
            text = self._path.read_text().strip()
        except FileNotFoundError:
            text = Behaviour.NORMAL.value
        except (OSError, UnicodeDecodeError) as error:
            text = f"(unreadable: {error})"
        try:
            self._last = Behaviour(text)
        except ValueError:
            self._complain(text)
        else:
            self._refused = None
        return self._last

    def _complain(self, text: str) -> None:
        if text and text != self._refused:
            self._refused = text
            print(  # noqa: T201 - this program's only way to speak to whoever wrote the file
                f"{self._path}: unknown behaviour {text!r}; known: {', '.join(Behaviour)}; "
                f"keeping {self._last}",
                file=sys.stderr,
                flush=True,
            )
