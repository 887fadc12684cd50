"""The key that stops a game day: read at once, and only where somebody sits at the terminal.

One rule: the terminal is left as it was found.
"""

from __future__ import annotations

import os
import select
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

STOP_KEYS = frozenset("qQ\r\n")
LOOK_SECONDS = 0.1


@contextmanager
def stop_key(press: Callable[[str], None], keyboard: TextIO) -> Iterator[None]:
    """Call ``press`` with a reason when q or Enter is typed while the context lasts.

    Nothing is read where the keyboard is no terminal: a pipe is not somebody who watches.
    """
    if not keyboard.isatty():
        yield
        return
    descriptor = keyboard.fileno()
    before = termios.tcgetattr(descriptor)
    ended = threading.Event()
    reader = threading.Thread(
        target=_read, args=(descriptor, press, ended), name="gameday-key", daemon=True
    )
    tty.setcbreak(descriptor)
    try:
        reader.start()
        yield
    finally:
        ended.set()
        reader.join()
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _read(descriptor: int, press: Callable[[str], None], ended: threading.Event) -> None:
    while not ended.is_set():
        if not select.select([descriptor], [], [], LOOK_SECONDS)[0]:
            continue
        typed = os.read(descriptor, 1).decode(errors="replace")
        if not typed:
            return  # the terminal is gone
        if typed in STOP_KEYS:
            press("somebody pressed a key")
