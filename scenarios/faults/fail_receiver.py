"""A receiver takes no notification: it answers 500, or its port refuses connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.faults.watching import LogTail, watchers_of
from scenarios.target import Target
from stack.receivers import Trouble

# What Alertmanager says of its first attempt; the double's own count can't see a refused one.
_SEEN = {Trouble.SERVER_ERROR: "500", Trouble.REFUSED: "connection refused"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FailReceiver:
    """Let the service of one receiver fail every notification.

    ``notifies_of`` names an alert that this receiver is told of again and again.
    """

    receiver: str
    trouble: Trouble
    notifies_of: str
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"{self.receiver} is in trouble: {self.trouble}"

    def effect(self, load: Load, service: Service) -> Effect:
        """Alertmanager counts a failure once it has given up; the next scrape tells it.

        One failure in the window is above the threshold. An attempt that the repair finds between
        two retries may still be given up.
        """
        return Effect(fills=0.0, given_up=self.notifies_of)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Fail until the context ends. Alertmanager's log tells that it was refused, and how."""
        watchers = watchers_of(target)
        log = LogTail(watchers.log("alertmanager"))
        with watchers.receivers.failing(self.receiver, self.trouble) as spell:
            yield witnessed(
                target,
                lambda: (
                    bool(log.line_with(_SEEN[self.trouble]))
                    and (spell.hits > 0 or self.trouble is Trouble.REFUSED)
                ),
                f"Alertmanager was refused by {self.receiver}: {_SEEN[self.trouble]}",
            )
