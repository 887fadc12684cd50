"""What the shipper counts; written by its one thread, read by scrapes."""

from __future__ import annotations

import time
from datetime import datetime

from stack.logs.shipping.decisions import REFUSALS, RETRIES, refusal_of
from stack.logs.shipping.documents import TAGS
from stack.logs.shipping.follower import Backlog

__all__ = ["Tally"]


class Tally:
    """Counts since the start, and where the shipper stands; each attribute is read on its own."""

    def __init__(self) -> None:
        self.shipped = 0
        self.refused = dict.fromkeys(REFUSALS, 0)
        self.retries = dict.fromkeys(RETRIES, 0)
        self.odd_lines = dict.fromkeys(TAGS, 0)
        self.lost_bytes = 0
        self.last_success = 0.0
        """When the index last took records, in epoch seconds; 0 for not yet."""
        self.backlog = Backlog()
        self.oldest: str | None = None
        """The time of the oldest record that was read and is not shipped."""

    def repeats(self, reason: str) -> None:
        """Count a repeated request."""
        self.retries[reason] += 1

    def succeeds(self) -> None:
        """Note that the index takes records."""
        self.last_success = time.time()

    def refuse(self, error_type: str) -> None:
        """Count a record that the index refused."""
        self.refused[refusal_of(error_type)] += 1

    def lag_seconds(self, now: float) -> float:
        """Return the age of the oldest record that is not shipped, 0 where there is none."""
        oldest = self.oldest
        if oldest is None:
            return 0.0
        return max(0.0, now - datetime.fromisoformat(oldest).timestamp())
