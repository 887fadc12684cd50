"""The records of one bulk request, and what shipping them will mean for the checkpoint."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from stack.logs.shipping.chunk import Chunk
from stack.logs.shipping.documents import Document, DocumentMaker
from stack.logs.shipping.generation import Generation, Progress

__all__ = ["Batch"]


class Batch:
    """Takes records until one more would make the request larger than `max_bytes`.

    A single record that is larger goes alone.
    """

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._began = 0.0
        self.records: list[tuple[bytes, bytes]] = []
        """The two lines of each record in the request."""
        self.progress: dict[str, Progress] = {}
        """How far each generation is shipped when these records are, by its key."""
        self.size_bytes = 0
        self.oldest: str | None = None
        """The time of the first record, as it stands in it."""
        self.odd: Counter[str] = Counter()
        """How many records are odd, by their tag."""
        self.has_hashed = False
        """Whether an id was made of a record's place in the file."""

    @property
    def age_seconds(self) -> float:
        """How long ago the first record was taken; 0 where there is none."""
        return self._clock() - self._began if self.progress else 0.0

    def take(self, generation: Generation, chunk: Chunk, maker: DocumentMaker) -> bool:
        """Take as many of the chunk's lines as fit; tell whether all did."""
        if not self.progress:
            self._began = self._clock()
        start = offset = generation.read
        fits = True
        for line in chunk.lines:
            if line and not line.isspace():
                document = maker.make(line, key=generation.key, offset=offset)
                if not self._add(document):
                    fits = False
                    break
            offset += len(line) + chunk.end_bytes
        if offset > start:
            tail = chunk.tail(offset - start)
            self.progress[generation.key] = generation.take(offset, tail)
        return fits

    def _add(self, document: Document) -> bool:
        size = len(document.action) + len(document.source) + 2  # each line has its end
        if self.records and self.size_bytes + size > self._max_bytes:
            return False
        if self.oldest is None:
            self.oldest = document.time
        if document.tag is not None:
            self.odd[document.tag] += 1
        self.has_hashed = self.has_hashed or document.hashed
        self.records.append((document.action, document.source))
        self.size_bytes += size
        return True
