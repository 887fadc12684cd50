"""A watcher that compose has started, which a run uses as it uses any other container.

Design rule: what production's file asks of whoever changes its files is done here, so that nobody
above has to know of it; and what a watcher says is in its log, as if it wrote there.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

from docker.models.containers import Container as EngineContainer

from stack.launch.containers.container import Container
from stack.launch.containers.network import RunNetwork

__all__ = ["Watcher"]

LAST_WORDS_SECONDS = 2.0
"""How long its last words may take; the engine ends what it tells when the container ends."""


class Watcher(Container):
    """A container of the compose file: before it reads its files anew, they are brought to it."""

    def __init__(
        self,
        name: str,
        made: EngineContainer,
        network: RunNetwork,
        *,
        log: Path,
        prepare: Callable[[], None],
    ) -> None:
        """Take a container that runs; what it says is appended to `log` until it ends."""
        super().__init__(name, made, network)
        self._prepare = prepare
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        self._listening = self._listen()

    def poll(self) -> int | None:
        """Return as every container does; once it has ended, its last words are in its log."""
        status = super().poll()
        if status is not None:
            self._listening.join(LAST_WORDS_SECONDS)
        return status

    def send_signal(self, sig: int, /) -> None:
        """Send a signal to its first process; one that has ended is not sent any."""
        if sig == signal.SIGHUP:
            self._prepare()
        super().send_signal(sig)

    def start_again(self) -> None:
        """Start it again as it was, with what it has written, once it has ended."""
        super().start_again()
        self._listening = self._listen()

    def _listen(self) -> threading.Thread:
        listening = threading.Thread(
            target=self._keep_words, name=f"hears-{self.name}", daemon=True
        )
        listening.start()
        return listening

    def _keep_words(self) -> None:
        with self._log.open("wb") as kept:  # the engine tells all of it, from the beginning
            for words in self._made.logs(stream=True, follow=True):
                kept.write(words)
                kept.flush()
