"""A question to the person at the terminal, who may not be there.

One rule: an answer is yes or no; anything else is asked again, and silence is no answer.
"""

from __future__ import annotations

import select
import sys
import time
from typing import TextIO

_YES, _NO = {"y", "yes"}, {"n", "no"}


def ask(question: str, seconds: float, *, of: TextIO, say: TextIO) -> bool | None:
    """Ask until it is answered; None after so many seconds, or where nobody is left to answer."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        say.write(question)
        say.flush()
        ready, _, _ = select.select([of], [], [], left)
        line = of.readline() if ready else ""
        if not line:
            return None
        answer = line.strip().lower()
        if answer in _YES | _NO:
            return answer in _YES
    return None


def somebody_is_there() -> bool:
    """Tell whether a person can be asked."""
    return sys.__stdin__ is not None and sys.__stdin__.isatty()
