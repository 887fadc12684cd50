"""Whole lines from an open file, from a place on: never a part of one that is still written.

Design rule: what stood before the place is read again with each chunk, so that a file that was
emptied and filled anew is noticed at once, however long it has become.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from stack.logs.shipping.fingerprint import TAIL_BYTES

__all__ = ["MAX_LINE_BYTES", "READ_BYTES", "Chunk", "Rewritten", "read_chunk"]

READ_BYTES = 256 * 1024
"""A few hundred records: many enough that reading costs little, few enough for the memory."""

MAX_LINE_BYTES = 1280 * 1024
"""A line that is longer is shipped in parts of this length, as it must fit the memory, and several
times over: a byte of 0 takes six in JSON. A message of a megabyte fits, with what stands around it;
the service cuts its own records, at 32 kB by default."""


class Rewritten(Exception):
    """The file no longer holds what was read from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some lines, without their ends.

    `data` begins with `skip` bytes that were read before; `end_bytes` is what ends each line: 0 for
    a part of a line, else 1.
    """

    lines: list[bytes]
    data: bytes
    skip: int
    end_bytes: int

    def tail(self, taken: int) -> bytes:
        """Return the last bytes before the place that lies `taken` bytes after the start."""
        end = self.skip + taken
        return self.data[max(end - TAIL_BYTES, 0) : end]


def read_chunk(
    fd: int, offset: int, tail: bytes, *, limit: int | None = None, torn: bool = False
) -> Chunk | None:
    """Return the whole lines that stand at `offset`, about READ_BYTES of them; None for none.

    `tail` is what stood before `offset`. Nothing is read from `limit` on. With `torn` the rest
    of the file, which no line's end ends, is taken as a line. Raises Rewritten, and OSError.
    """
    skip = len(tail)
    for wanted in (READ_BYTES, MAX_LINE_BYTES):
        most = wanted if limit is None else min(wanted, limit - offset)
        if most <= 0:
            return None
        data = os.pread(fd, skip + most, offset - skip)
        if data[:skip] != tail:
            raise Rewritten
        end = data.rfind(b"\n", skip) + 1
        if end:
            lines = data[skip : end - 1].split(b"\n")
            return Chunk(lines=lines, data=data, skip=skip, end_bytes=1)
        if len(data) - skip < wanted:
            break
    rest = data[skip:]
    if rest and (torn or len(rest) >= MAX_LINE_BYTES):
        return Chunk(lines=[rest], data=data, skip=skip, end_bytes=0)
    return None
