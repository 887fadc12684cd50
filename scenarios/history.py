"""The append-only list of timed events of one drill, written to disk as it happens.

One rule: a history records and never judges; whoever judges gets a finished one and does no I/O.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TextIO

READ_AT = "read_at"
"""The detail of an alert's end that says when it was known, in seconds since the epoch: the event's
own time is that of the first evaluation that could have ended it."""


PRECONDITION = "precondition: "
"""With what the text of the phase begins in which another alert is made to fire before."""


class Kind(StrEnum):
    """What an event says."""

    PHASE = "phase"  # the drill entered a phase
    INJECTED = "injected"  # a fault's injection began
    WITNESSED = "witnessed"  # the fault was seen to bite
    NOT_WITNESSED = "not witnessed"  # the fault did not bite
    REPAIRING = "repairing"  # the repair began
    REPAIRED = "repaired"  # the repair is complete
    PENDING = "pending"  # Prometheus: first evaluation in which the alert was active
    FIRING = "firing"  # Prometheus: first evaluation in which it fired
    INACTIVE = "inactive"  # Prometheus: first evaluation in which it was gone
    SUPPRESSED = "suppressed"  # Alertmanager: inhibited, by which alerts
    UNSUPPRESSED = "unsuppressed"  # Alertmanager: no longer so
    DELIVERED = "delivered"  # a receiver got a notification
    DELIVERY_FAILED = "delivery failed"  # Alertmanager: a notification that it gave up
    SCRAPE_FAILED = "scrape failed"  # Prometheus could not scrape the target
    HIDDEN = "hidden"  # the engine showed its newest samples later than it is known to
    DISTURBED = "disturbed"  # the experiment itself failed: evidence is missing from here on
    STOPPED = "stopped"  # a person or a stop condition ended the drill before its time, and why
    MITIGATED = "mitigated"  # whoever responds has ended the fault, or says so
    ENDED = "ended"  # the drill's observation is complete


TARGET = "target"
"""Under which name an event tells which target of a service it is about, of several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened.

    Attributes:
        at: seconds since the epoch, by the clock of whoever observed it first.
        kind: what happened.
        alert: the alert concerned, or empty.
        text: a few words for a person.
        detail: what a judge needs beside, by name.
    """

    at: float
    kind: Kind
    alert: str = ""
    text: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the event as one JSON line, without its line end."""
        return json.dumps(
            {
                "at": round(self.at, 4),
                "kind": self.kind,
                **({"alert": self.alert} if self.alert else {}),
                **({"text": self.text} if self.text else {}),
                **({"detail": dict(self.detail)} if self.detail else {}),
            }
        )

    @classmethod
    def from_json(cls, line: str) -> Event:
        """Parse what :meth:`to_json` wrote.

        Raises:
            ValueError: the line is not an event.
        """
        raw = json.loads(line)
        return cls(
            at=raw["at"],
            kind=Kind(raw["kind"]),
            alert=raw.get("alert", ""),
            text=raw.get("text", ""),
            detail=raw.get("detail", {}),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The finished history of one drill, in order of time.

    Attributes:
        service: the ``service`` label of the drilled instance.
        events: what happened, sorted by time.
    """

    service: str
    events: tuple[Event, ...]

    @classmethod
    def of(cls, service: str, events: Iterable[Event]) -> History:
        """Return a history of these events, sorted."""
        return cls(service=service, events=tuple(sorted(events, key=lambda event: event.at)))

    def all(self, kind: Kind, alert: str | None = None, **detail: str) -> tuple[Event, ...]:
        """Return the events of a kind, of one alert and with these details if given."""
        return tuple(
            event
            for event in self.events
            if event.kind is kind
            and (alert is None or event.alert == alert)
            and all(event.detail.get(name) == value for name, value in detail.items())
        )

    def first(
        self, kind: Kind, alert: str | None = None, *, after: float = 0.0, **detail: str
    ) -> Event | None:
        """Return the first such event at or after ``after``, or ``None``."""
        found = (event for event in self.all(kind, alert, **detail) if event.at >= after)
        return next(found, None)


class Recorder:
    """A history while it is being written: thread-safe, on disk at once, awaitable.

    ``stopped`` is set by the event of that kind, which also ends every wait.
    """

    def __init__(self, service: str, path: Path) -> None:
        self.service = service
        self.stopped = threading.Event()
        self._changed = threading.Condition()
        self._events: list[Event] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO | None = path.open("w", encoding="utf-8", buffering=1)

    def add(self, event: Event) -> None:
        """Append one event; what comes after :meth:`close` is dropped."""
        with self._changed:
            if self._file is None:
                return
            self._events.append(event)
            self._file.write(event.to_json() + "\n")
            if event.kind is Kind.STOPPED:
                self.stopped.set()
            self._changed.notify_all()

    def note(self, kind: Kind, alert: str = "", text: str = "", **detail: str) -> Event:
        """Append an event of this moment."""
        event = Event(at=time.time(), kind=kind, alert=alert, text=text, detail=detail)
        self.add(event)
        return event

    def wait_for(self, condition: Callable[[History], bool], timeout_seconds: float) -> bool:
        """Wait until the history so far meets ``condition``; return whether it did in time.

        A disturbed history, or one that was stopped, ends the wait: what is missing will not come.
        """
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while True:
                so_far = self._snapshot()
                if condition(so_far):
                    return True
                left = deadline - time.monotonic()
                if left <= 0 or self.stopped.is_set() or so_far.first(Kind.DISTURBED):
                    return False
                self._changed.wait(left)

    def snapshot(self) -> History:
        """Return the history so far."""
        with self._changed:
            return self._snapshot()

    def close(self) -> History:
        """End the record and return the finished history."""
        with self._changed:
            if self._file is not None:
                self._file.close()
                self._file = None
            return self._snapshot()

    def _snapshot(self) -> History:
        return History.of(self.service, self._events)
