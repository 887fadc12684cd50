"""How many drills run at the same time: as many as the machine's processors can bear.

One rule: whoever came first is served first, so that a large drill is not overtaken for ever.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from scenarios.model import Drill

PLACES_PER_CORE = 20.0
"""At most so many; how many it really is, the machine's idle time says (``scenarios.headroom``)."""

FEW_PER_CORE = 3
"""So many drills for each core go on at the same time on a busy machine too, or a run beside steady
work would never end."""

CORES_PER_PLACE = 0.05
"""What a place takes of a core. Measured beside nothing else, over 20 s of /proc/PID/stat of
``pytest checks -k FaultInjectionArmed --keep``: 0.037 for an instance with two requests a second
(1.2 places), to which comes what Prometheus does for it."""

REQUESTS_PER_PLACE = 10.0
"""So many requests a second cost as much as an instance that is only scraped and probed."""


STACK_WEIGHT = 2.0
"""What a Prometheus and an Alertmanager with a few rules cost, in places."""


def weight(drill: Drill) -> float:
    """Return how many places a drill takes: one an instance, and more for its load."""
    node = NODE_WEIGHT if drill.service.own_elasticsearch else 0.0
    return drill.service.instances + drill.load.per_second / REQUESTS_PER_PLACE + node


NODE_WEIGHT = 10.0
"""A node of Elasticsearch that is killed and started again takes as much for a few seconds."""

ROUNDING = 1e-6


class Places:
    """A number of places, of which each taker holds some for a while. Thread-safe."""

    def __init__(self, total: float) -> None:
        self._total = self._free = total
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, number: float) -> Iterator[None]:
        """Wait for ``number`` places, at most all that there are, and hold them."""
        number = min(number, self._total)
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            # What was given back may sum up to a little less than what was taken.
            enough = number - ROUNDING
            self._changed.wait_for(lambda: self._queue[0] is ticket and self._free >= enough)
            self._queue.popleft()
            self._free -= number
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += number
                self._changed.notify_all()
