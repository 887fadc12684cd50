"""The log file through rotation, truncation and restarts: which generations there are, and unread.

Design rule: it opens, reads and compares, and decides nothing about shipping. A generation is known
by its device, inode and content; a file that is known by none of them is a new one. What is gone
before it was read is counted, never passed over.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.logs.shipping.chunk import Chunk, Rewritten, read_chunk
from stack.logs.shipping.copies import Copies
from stack.logs.shipping.directory import entries_of, entry_of
from stack.logs.shipping.durable import naming
from stack.logs.shipping.fingerprint import HEAD_BYTES, Fingerprint, head_of
from stack.logs.shipping.generation import Entry, Generation, Mark, Progress, new_key
from stack.logs.shipping.identity import bind, holds, open_entry, opened

__all__ = ["LINGER_SECONDS", "LOOK_SECONDS", "Backlog", "Follower"]

LOOK_SECONDS = 1.0
"""How often the directory is read; a rotation of the file itself is seen at the next poll."""

LINGER_SECONDS = 5.0
"""How long after its last write a rotated file stays open, and until its torn line is taken as it
is: several times what a writer of the service waits for the file's lock."""

MAX_OPEN = 128
"""Unread rotated files that are held open, the oldest, so that they can be read when they have been
deleted: four times as many as a month of days, and far below what a process may have."""

_LOOKS_UNTIL_GONE = 2  # a directory that is read while a file in it is renamed may not show it


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is not shipped yet, as it was last seen; the current file may have grown since.

    Attributes:
        device: of the current file; 0 where there is none.
        inode: likewise.
        shipped: its offset, in bytes.
        size: its length, in bytes.
        rotated_bytes: what the rotated files hold besides.
    """

    device: int = 0
    inode: int = 0
    shipped: int = 0
    size: int = 0
    rotated_bytes: int = 0


class Follower:
    """Follows `path`, from where `marks` say that it was left. Used by one thread."""

    def __init__(self, path: Path, marks: Iterable[Mark] = ()) -> None:
        self._path = path
        self._generations = [Generation.restored(mark) for mark in marks]
        self._limits: dict[str, int] | None = None
        self._copies = Copies(path)
        self._look_at = 0.0
        self.lost_bytes = 0
        """What was gone before it was read, since the start."""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What the checkpoint is to hold, the oldest generation first."""
        return tuple(mark for one in self._generations if (mark := one.mark) is not None)

    @property
    def backlog(self) -> Backlog:
        """What is not shipped yet."""
        current = self._current
        rotated = sum(
            max(one.size - one.shipped, 0) for one in self._generations if one is not current
        )
        if current is None:
            return Backlog(rotated_bytes=rotated)
        return Backlog(
            device=current.device,
            inode=current.inode,
            shipped=current.shipped,
            size=current.size,
            rotated_bytes=rotated,
        )

    def poll(self) -> None:
        """See whether the file has grown or was rotated; seldom, look at the whole directory.

        Raises OSError.
        """
        entry, current = entry_of(self._path), self._current
        if (
            time.monotonic() >= self._look_at
            or (entry is None) != (current is None)
            or (entry and current and (entry.device, entry.inode) != current.identity)
            or (entry and current and not holds(entry, current))
        ):
            self.look()
        elif entry and current:
            current.see(entry)

    def look(self) -> None:
        """Find the file of each generation, and the generations that are new. Raises OSError."""
        self._look_at = time.monotonic() + LOOK_SECONDS
        entries = entries_of(self._path)
        self._copies.forget_all_but(entries.values())
        strays = [one for one in self._generations if not self._stays(one, entries)]
        for one in strays:
            self._find_again(one, entries)
        # The file itself comes last, and is known first: the others may be copies of it.
        known = len(self._generations)
        fresh = sorted(entries.values(), key=lambda one: (one.mtime_ns, one.path.name))
        for entry in sorted(fresh, key=lambda one: one.path != self._path):
            if not self._copies.has(entry, self._generations):
                self._begin(entry)
        if len(self._generations) > known and self._generations[known].place == self._path:
            self._generations.append(self._generations.pop(known))
        self._hold_open()

    def freeze(self) -> None:
        """From now on read only what is there at this moment. Raises OSError."""
        self.look()
        self._limits = {one.key: one.size for one in self._generations}

    def unread(self) -> Iterator[tuple[Generation, Chunk]]:
        """Yield lines that were not read yet, those of older generations first.

        Who takes them says so to the generation before asking for more. Raises OSError.
        """
        changed = True
        while changed:
            changed = False
            for one in tuple(self._generations):
                try:
                    while (chunk := self._chunk_of(one)) is not None:
                        yield one, chunk
                except Rewritten:
                    self.look()
                    changed = True
                    break

    def advance(self, progress: Mapping[str, Progress]) -> None:
        """Note what is shipped, by the generations' keys."""
        for one in self._generations:
            if one.key in progress:
                one.advance(progress[one.key])

    def close(self) -> None:
        """Close all files."""
        for one in self._generations:
            one.close()

    @property
    def _current(self) -> Generation | None:
        for one in reversed(self._generations):
            if one.place == self._path:
                return one
        return None

    def _chunk_of(self, one: Generation) -> Chunk | None:
        if one.size <= one.read or not opened(one) or one.tail is None:
            return None
        rests = (time.time_ns() - one.mtime_ns) / 1e9 > LINGER_SECONDS
        torn = rests and one.place != self._path  # else the next writer ends the line
        if one.torn_at == one.size and not torn:
            return None
        limit = None if self._limits is None else self._limits.get(one.key, 0)
        with naming(one.place or self._path):
            chunk = read_chunk(one.fd, one.read, one.tail, limit=limit, torn=torn)
        if chunk is None:
            one.torn_at = one.size
        elif one.read == 0 and one.head is not None and not one.head.fits(chunk.data):
            raise Rewritten
        elif one.head is None:
            one.head = head_of(chunk.data) or Fingerprint.of(chunk.data[:HEAD_BYTES])
        return chunk

    def _stays(self, one: Generation, entries: dict[tuple[int, int], Entry]) -> bool:
        """Tell whether a generation's file is what it was, and take its entry from `entries`."""
        entry = entries.get(one.identity)
        if one.is_open:
            about = os.fstat(one.fd)
            if not one.is_held_by(one.fd, about.st_size):
                return False
            if entry is None:  # deleted, or moved away, and still to be read
                one.place, one.missing = None, one.missing + 1
                one.size, one.mtime_ns = about.st_size, about.st_mtime_ns
                return True
            del entries[one.identity]
            one.see(entry)
            return True
        if entry is None:
            return False
        if one.tail is not None and (entry.size, entry.mtime_ns) == (one.size, one.mtime_ns):
            del entries[one.identity]
            one.see(entry)
            return True
        if bind(one, entry):
            del entries[one.identity]
            return True
        if entry_of(entry.path) is None:  # renamed since the directory was read
            del entries[one.identity]
            self._look_at = 0.0
            return True
        return False

    def _find_again(self, one: Generation, entries: dict[tuple[int, int], Entry]) -> None:
        """Go on in a copy of a file that was emptied or is gone, else count what it takes along."""
        emptied = one.is_open or one.identity in entries
        seen = one.size
        one.close()
        if one.head is not None:
            for identity, entry in list(entries.items()):
                if entry.path != self._path and bind(one, entry):
                    del entries[identity]
                    self.lost_bytes += max(seen - entry.size, 0)
                    return
        one.place, one.missing = None, one.missing + 1
        if not emptied and one.missing < _LOOKS_UNTIL_GONE:
            self._look_at = 0.0
            return
        self.lost_bytes += max(seen - one.read, 0)
        self._generations.remove(one)

    def _begin(self, entry: Entry) -> None:
        fd = open_entry(entry)
        if fd is not None:
            one = Generation(key=new_key(), device=entry.device, inode=entry.inode)
            one.bind(fd, entry)
            self._generations.append(one)

    def _hold_open(self) -> None:
        """Open what is unread, close what rests, and forget what is read and gone."""
        held = 0
        now_ns = time.time_ns()
        for one in tuple(self._generations):
            rests = (now_ns - one.mtime_ns) / 1e9 > LINGER_SECONDS
            if one.place == self._path:
                opened(one)
            elif one.size > one.read:
                held += 1
                if held <= MAX_OPEN:
                    opened(one)
                elif one.place is not None:
                    one.close()
            elif rests and one.place is not None:
                one.close()
            elif rests and one.missing >= _LOOKS_UNTIL_GONE and one.shipped >= one.read:
                one.close()
                self._generations.remove(one)
