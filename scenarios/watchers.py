"""The watchers of a drill that breaks them: what may be done to them, and what they may lose.

One rule: a watcher that is down because the drill took it down is no disturbance; any other is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import Signals

from stack.drill_files import ALERTMANAGER_CONFIG, PROMETHEUS_CONFIG
from stack.launch.monitoring import MonitoringStack
from stack.launch.premises import Premises
from stack.receivers import Receivers
from stack.replacing import replace_text


class Watchers:
    """One stack's Prometheus, Alertmanager and receivers, as a fault may touch them."""

    def __init__(
        self, stack: MonitoringStack, premises: Premises, receivers: Receivers, *, prefix: str
    ) -> None:
        self.stack = stack
        self.receivers = receivers
        self._premises = premises
        self._prefix = prefix
        self._down: set[str] = set()
        self._up_again = float("-inf")

    @property
    def outside(self) -> str:
        """The address on which the watchers reach what runs on this machine beside them."""
        return self._premises.outside

    def down_on_purpose_since(self, moment: float) -> bool:
        """Return whether the drill has had a watcher down at ``moment`` (monotonic) or later."""
        return bool(self._down) or self._up_again >= moment

    def unexpected(self) -> Mapping[str, int]:
        """Return the watchers that have ended though nobody ended them: name to status."""
        return {
            name: code
            for name, code in self._premises.exited().items()
            if name in self._names() and name not in self._down
        }

    def log(self, component: str) -> Path:
        """Return the log of ``prometheus`` or ``alertmanager``."""
        return self.stack.directory / f"{component}.log"

    def configuration(self, component: str) -> str:
        """Return the name of its configuration file, for :meth:`rewritten`."""
        return {"prometheus": PROMETHEUS_CONFIG, "alertmanager": ALERTMANAGER_CONFIG}[component]

    def read(self, name: str) -> str:
        """Return the content of one of the stack's files."""
        return (self.stack.directory / name).read_text(encoding="utf-8")

    def send(self, component: str, number: Signals) -> None:
        """Send a signal to ``prometheus`` or ``alertmanager``."""
        self.stack.process(component).send_signal(number)

    @contextmanager
    def without(self, component: str, number: Signals) -> Iterator[None]:
        """End a watcher with that signal; it is started again, and ready, when the context ends."""
        name = self._prefix + component
        self._down.add(name)
        process = self.stack.process(component)
        process.send_signal(number)
        process.wait(READY_SECONDS)
        try:
            yield
        finally:
            self.stack.start(component)
            self.stack.wait_ready(READY_SECONDS)
            self._up_again = time.monotonic()
            self._down.discard(name)

    @contextmanager
    def rewritten(self, name: str, text: str) -> Iterator[Path]:
        """Have other content in one of the stack's files; the old one is put back at the end.

        Who reads it is not told: see :meth:`send`.
        """
        path = self.stack.directory / name
        before = path.read_text(encoding="utf-8")
        replace_text(path, text)
        try:
            yield path
        finally:
            replace_text(path, before)

    def _names(self) -> frozenset[str]:
        return frozenset(self._prefix + name for name in ("prometheus", "alertmanager"))


READY_SECONDS = 30.0
"""How long a watcher may take to end, or to be ready again; both take well under a second."""
