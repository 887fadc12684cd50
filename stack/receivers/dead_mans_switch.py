"""A dead man's switch: it is quiet for as long as it hears from the monitoring, and pages when not.

Design rule: when a heartbeat was missed is a pure function of the times at which it came; the
thread only waits for the next deadline, in the kernel, and records the page as a delivery.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Condition, Thread
from typing import Self

from stack.receivers.delivery import DEAD_MANS_SWITCH, Delivery, Status, deliver

ALERT, SERVICE, SEVERITY = "Watchdog", "monitoring", "CRITICAL"
ACTION = "see whether Prometheus and Alertmanager run and reach the switch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A stretch without a heartbeat that was due. Times are epoch seconds.

    `last` is the beat before it (or when the switch was armed), `noticed` when period and grace
    had passed since; `ended` is the next beat, None while there is none.
    """

    last: float
    noticed: float
    ended: float | None


def absences(
    beats: Sequence[float], *, armed: float, until: float, period: timedelta, grace: timedelta
) -> tuple[Absence, ...]:
    """Return when the heartbeat was missed between `armed` and `until`, in their order.

    A beat is due `period` after the one before; it is missed when `grace` has passed as well. One
    that comes at that very instant is in time.
    """
    allowed = (period + grace).total_seconds()
    found = []
    last = armed
    for beat in sorted(beat for beat in beats if armed <= beat <= until):
        if beat - last > allowed:
            found.append(Absence(last=last, noticed=last + allowed, ended=beat))
        last = beat
    if until - last > allowed:
        found.append(Absence(last=last, noticed=last + allowed, ended=None))
    return tuple(found)


class DeadMansSwitch:
    """Pages once for each absence, and says when the heartbeat is back. A context manager.

    It is armed on entering: a heart that never beats is missed too.
    """

    def __init__(
        self, *, period: timedelta, grace: timedelta, record: Callable[[Delivery], None]
    ) -> None:
        self._period = period
        self._grace = grace
        self._record = record
        self._changed = Condition()
        self._beats: list[float] = []
        self._armed = 0.0
        self._disarmed = False
        self._thread = Thread(target=self._watch, name="dead man's switch", daemon=True)

    @property
    def beats(self) -> list[float]:
        """When it heard a heartbeat, in epoch seconds."""
        with self._changed:
            return list(self._beats)

    def beat(self, at: float) -> None:
        """Hear a heartbeat that arrived at `at`."""
        with self._changed:
            self._beats.append(at)
            self._changed.notify()

    def __enter__(self) -> Self:
        self._armed = time.time()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._disarmed = True
            self._changed.notify()
        self._thread.join()

    def _watch(self) -> None:
        paged: set[float] = set()
        back: set[float] = set()
        while True:
            with self._changed:
                if self._disarmed:
                    return
                now = time.time()
                seen = absences(
                    self._beats,
                    armed=self._armed,
                    until=now,
                    period=self._period,
                    grace=self._grace,
                )
                news: list[tuple[Absence, Status]] = []
                for absence in seen:
                    if absence.last not in paged:
                        paged.add(absence.last)
                        news.append((absence, "firing"))
                    if absence.ended is not None and absence.last not in back:
                        back.add(absence.last)
                        news.append((absence, "resolved"))
                if not news:
                    last = max([self._armed, *self._beats])
                    due = last + (self._period + self._grace).total_seconds()
                    # Missed already, and paged: only a beat or the end is news.
                    self._changed.wait(due - now + 0.001 if due >= now else None)
            for absence, status in news:
                self._record(self._page(absence, status))

    def _page(self, absence: Absence, status: Status) -> Delivery:
        since = f"{datetime.fromtimestamp(absence.last, UTC):%Y-%m-%d %H:%M} UTC"
        if status == "firing":
            waited = (self._period + self._grace).total_seconds()
            said = f"no heartbeat for {waited:.1f} s | since {since} | do: {ACTION}"
        else:
            until = f"{datetime.fromtimestamp(absence.ended or 0.0, UTC):%Y-%m-%d %H:%M} UTC"
            said = f"the heartbeat is back | since {since} until {until}"
        headline = f"[{status.upper()}] {SEVERITY} {ALERT} on {SERVICE}: {said}"
        return deliver(
            at=time.time(),
            receiver=DEAD_MANS_SWITCH,
            headline=headline,
            text=headline,
            payload="",
            refusal=None,
        )
