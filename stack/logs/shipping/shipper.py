"""The one loop: read, gather, deliver, and only then move the checkpoint.

Design rule: at any moment the checkpoint on disk names a place before which everything is in the
index or among the dead letters, so that being killed costs repetition and no record.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from stack.logs.shipping.backoff import delay_seconds
from stack.logs.shipping.batch import Batch
from stack.logs.shipping.checkpoint import Checkpoint, save_checkpoint
from stack.logs.shipping.dead_letters import keep_dead_letters
from stack.logs.shipping.delivery import Delivers, Outcome
from stack.logs.shipping.documents import DocumentMaker
from stack.logs.shipping.follower import LOOK_SECONDS, Follower
from stack.logs.shipping.parts import AT_ONCE
from stack.logs.shipping.stopping import Stop
from stack.logs.shipping.tally import Tally

__all__ = ["POLL_SECONDS", "Shipper"]

POLL_SECONDS = 0.1
"""How often an idle file is looked at: a status call each time, well below what the index needs."""


class Shipper:
    """Ships what `checkpoint.path` holds. Used by one thread.

    It gives up on a disk that refuses for `patience_seconds`; None for never.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        state_directory: Path,
        *,
        delivery: Callable[[Callable[[float], None]], Delivers],
        stop: Stop,
        tally: Tally,
        max_bulk_bytes: int,
        max_age_seconds: float,
        say: Callable[[str], None],
        patience_seconds: float | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path = checkpoint.path
        self._state_directory = state_directory
        self._follower = Follower(self._path, checkpoint.marks)
        self._maker = DocumentMaker(self._path)
        self._stop = stop
        self._tally = tally
        self._max_batch_bytes = AT_ONCE * max_bulk_bytes
        self._max_age_seconds = max_age_seconds
        self._say = say
        self._patience_seconds = patience_seconds
        self._now = now
        self._saved = checkpoint
        self._promised = checkpoint.arrival
        self._arrival: datetime | None = None
        self._delivery = delivery(self._pause)
        self._batch = Batch(self._max_batch_bytes)
        self._saved_lost = 0

    def run(self) -> None:
        """Ship until the end is wished for, and then what is there at that moment.

        Raises whatever the delivery raises, and OSError where its patience with the disk ends; the
        checkpoint is right all the same.
        """
        while not self._stop.requested:
            self._patiently(self.step)
        self.drain()

    def step(self) -> None:
        """Read what is new, and ship it once it is enough or old enough; else wait a moment."""
        self._follower.poll()
        full = self._gather()
        batch = self._batch
        if not batch.progress:
            if self._follower.lost_bytes != self._saved_lost:
                self._save()  # else a restart would count it again
            self._show()
            self._stop.wait(POLL_SECONDS)
            return
        left = self._max_age_seconds - batch.age_seconds
        if full or left <= 0:
            self._ship()
        else:
            self._show()
            self._stop.wait(min(left, POLL_SECONDS))

    def drain(self) -> None:
        """Ship what is there at this moment, and return."""
        self._patiently(self._follower.freeze)
        while True:
            self._patiently(self._gather)
            if not self._batch.progress:
                break
            self._ship()
        self._patiently(self._save)
        self._show()
        self._follower.close()

    def _gather(self) -> bool:
        """Read what is there into the batch; tell whether that is full."""
        now = self._now()
        if self._arrival is None or not self._batch.progress:
            self._arrival = self._promised or now  # one for a batch, so that one promise covers it
        self._maker.begin(now=now, arrival=self._arrival)
        for generation, chunk in self._follower.unread():
            if not self._batch.take(generation, chunk, self._maker):
                return True
        return False

    def _ship(self) -> None:
        batch = self._batch
        self._show()
        if batch.odd or (batch.has_hashed and not self._is_promised(batch)):
            self._patiently(lambda: self._save(self._arrival))
        outcome = self._delivery.deliver(batch.records) if batch.records else None
        refused = outcome.refused if outcome else ()
        self._patiently(lambda: keep_dead_letters(self._state_directory, refused))
        self._follower.advance(batch.progress)
        self._promised = None
        self._patiently(self._save)
        self._batch = Batch(self._max_batch_bytes)
        self._count(batch, outcome)
        self._show()

    def _is_promised(self, batch: Batch) -> bool:
        """Tell whether the keys that ids of this batch are made of are on disk."""
        return batch.progress.keys() <= {mark.key for mark in self._saved.marks}

    def _save(self, arrival: datetime | None = None) -> None:
        """Write the checkpoint where it says something new.

        With `arrival` it is a promise: records without a time that are sent now have that one. A
        shipper that is killed before they are shipped gives them the same again when it is back,
        so that they meet themselves in that day's index.
        """
        lost = self._follower.lost_bytes
        new = Checkpoint(path=self._path, marks=self._follower.marks, arrival=arrival)
        if new != self._saved:
            save_checkpoint(self._state_directory, new)
            self._saved = new
        self._saved_lost = lost

    def _count(self, batch: Batch, outcome: Outcome | None) -> None:
        for tag, count in batch.odd.items():
            self._tally.odd_lines[tag] += count
        if outcome is not None:
            self._tally.shipped += outcome.shipped
            for letter in outcome.refused:
                self._tally.refuse(letter.reason_type)

    def _show(self) -> None:
        lost = self._follower.lost_bytes
        if lost > self._tally.lost_bytes:
            gone = lost - self._tally.lost_bytes
            self._say(f"{gone} bytes of {self._path} were gone before they were read")
        self._tally.lost_bytes = lost
        self._tally.backlog = self._follower.backlog
        self._tally.oldest = self._batch.oldest

    def _pause(self, seconds: float) -> None:
        """Wait before a request is repeated; rotated files are taken hold of meanwhile."""
        until = time.monotonic() + seconds
        woken = False
        while not woken and (left := until - time.monotonic()) > 0:
            woken = self._stop.wait(min(left, LOOK_SECONDS))
            self._patiently(self._follower.poll)
            self._show()

    def _patiently(self, step: Callable[[], object]) -> None:
        """Do a step that needs the disk, again and again until the disk lets it."""
        failures = 0
        began = time.monotonic()
        while True:
            try:
                step()
            except OSError as error:
                waited = time.monotonic() - began
                if self._patience_seconds is not None and waited > self._patience_seconds:
                    raise
                failures += 1
                if failures == 1:
                    self._say(f"{error.filename or self._path}: {error.strerror}; tried again")
                self._stop.wait(delay_seconds(failures))
                continue
            if failures:
                self._say("the disk works again")
            return
