"""Which rotated files only repeat a generation that is read elsewhere.

Design rule: a copy begins and ends as its original does up to there, and is never longer: a file
that begins alike and goes on holds what is nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from stack.logs.shipping.fingerprint import HEAD_BYTES, TAIL_BYTES
from stack.logs.shipping.generation import Entry, Generation
from stack.logs.shipping.identity import open_entry, opened

__all__ = ["Copies"]

_Seen = tuple[int, int, int, int]


class Copies:
    """Tells them, and remembers which files it found to be copies as they were then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[_Seen] = set()

    def forget_all_but(self, entries: Iterable[Entry]) -> None:
        """Forget the files that are gone, or no longer as they were."""
        self._known.intersection_update(map(_seen, entries))

    def has(self, entry: Entry, generations: Iterable[Generation]) -> bool:
        """Tell whether a rotated file is a copy of one of these. Raises OSError.

        That is how copy-truncate begins, and what a person's copy is.
        """
        if entry.path == self._path:
            return False
        seen = _seen(entry)
        if seen in self._known:
            return True
        fd = open_entry(entry)
        if fd is None:
            return False
        try:
            head = os.pread(fd, HEAD_BYTES, 0)
            if any(self._is_copy(entry, fd, head, one) for one in generations):
                self._known.add(seen)
                return True
        finally:
            os.close(fd)
        return False

    def _is_copy(self, entry: Entry, fd: int, head: bytes, one: Generation) -> bool:
        may_be = one.place == self._path or one.size == entry.size
        if not may_be or one.head is None or not one.head.fits(head) or not opened(one):
            return False
        size = os.fstat(one.fd).st_size  # of now: the copy may be of what is new
        return entry.size <= size and _end_alike(fd, one.fd, entry.size)


def _end_alike(one: int, other: int, end: int) -> bool:
    """Tell whether two open files have the same bytes before `end`."""
    start = max(end - TAIL_BYTES, 0)
    return os.pread(one, end - start, start) == os.pread(other, end - start, start)


def _seen(entry: Entry) -> _Seen:
    return entry.device, entry.inode, entry.size, entry.mtime_ns
