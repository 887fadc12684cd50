"""One generation of the log file: what it held between two rotations, and how far it is shipped.

Design rule: a generation keeps its key whatever becomes of its file: renamed, copied before the
original was emptied, deleted while it is open.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from stack.logs.shipping.fingerprint import HEAD_BYTES, TAIL_BYTES, Fingerprint, head_of

__all__ = ["Entry", "Generation", "Mark", "Progress", "new_key"]

_CLOSED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A generation as the checkpoint has it.

    Attributes:
        key: names the generation in the ids of records that bring none.
        device: of the file that holds it.
        inode: likewise.
        head: of the file's first line.
        offset: everything before it is in the index or among the dead letters, in bytes.
        tail: of the last bytes before `offset`.
        size: how long the file was when it was last looked at, in bytes.
    """

    key: str
    device: int
    inode: int
    head: Fingerprint
    offset: int
    tail: Fingerprint
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A regular file that may hold a generation, as it was seen in the directory."""

    path: Path
    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path, about: os.stat_result) -> Entry:
        """Return the entry of a file with this status."""
        return cls(
            path=path,
            device=about.st_dev,
            inode=about.st_ino,
            size=about.st_size,
            mtime_ns=about.st_mtime_ns,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one generation is shipped, once the batch that holds this is."""

    offset: int
    tail: bytes


@dataclass(slots=True, kw_only=True)
class Generation:
    """A generation while it is followed. Offsets and sizes are in bytes.

    `read` runs ahead of `shipped` by what is in the batch. `place` is None where the directory no
    longer names the file; what an open file holds can be read all the same.
    """

    key: str
    device: int
    inode: int
    head: Fingerprint | None = None
    read: int = 0
    shipped: int = 0
    tail: bytes | None = None
    shipped_tail: Fingerprint = field(default_factory=lambda: Fingerprint.of(b""))
    size: int = 0
    mtime_ns: int = 0
    place: Path | None = None
    missing: int = 0
    torn_at: int = -1
    fd: int = _CLOSED

    @classmethod
    def restored(cls, mark: Mark) -> Generation:
        """Return the generation that the checkpoint tells of; its file is not looked for yet."""
        return cls(
            key=mark.key,
            device=mark.device,
            inode=mark.inode,
            head=mark.head,
            read=mark.offset,
            shipped=mark.offset,
            shipped_tail=mark.tail,
            size=mark.size,
        )

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode of its file."""
        return self.device, self.inode

    @property
    def is_open(self) -> bool:
        """Whether its file is open."""
        return self.fd != _CLOSED

    @property
    def mark(self) -> Mark | None:
        """What the checkpoint says of it; None while it can't be told from another."""
        if self.head is None:
            return None
        return Mark(
            key=self.key,
            device=self.device,
            inode=self.inode,
            head=self.head,
            offset=self.shipped,
            tail=self.shipped_tail,
            size=self.size,
        )

    def take(self, offset: int, tail: bytes) -> Progress:
        """Note that everything before `offset` was read; return what shipping it will mean."""
        self.read, self.tail = offset, tail
        return Progress(offset=offset, tail=tail)

    def advance(self, progress: Progress) -> None:
        """Note that everything before the progress's offset is shipped."""
        self.shipped, self.shipped_tail = progress.offset, Fingerprint.of(progress.tail)

    def is_held_by(self, fd: int, size: int) -> bool:
        """Tell whether an open file holds this generation, as far as it was read.

        It is the same file, longer by now, or a copy; both begin and go on as what was read did.
        """
        if size < self.read:
            return False
        if self.head is not None and not self.head.fits(os.pread(fd, HEAD_BYTES, 0)):
            return False
        if self.tail is not None:
            return os.pread(fd, len(self.tail), self.read - len(self.tail)) == self.tail
        found = os.pread(fd, self.shipped_tail.length, self.read - self.shipped_tail.length)
        return Fingerprint.of(found) == self.shipped_tail

    def bind(self, fd: int, entry: Entry) -> None:
        """Read from this open file from now on."""
        self.close()
        self.fd, self.device, self.inode = fd, entry.device, entry.inode
        self.see(entry)
        if self.head is None:
            self.head = head_of(os.pread(fd, HEAD_BYTES, 0))
        if self.tail is None:
            length = min(TAIL_BYTES, self.read)
            self.tail = os.pread(fd, length, self.read - length)

    def see(self, entry: Entry) -> None:
        """Note where its file is, and how long."""
        self.place, self.missing = entry.path, 0
        self.size, self.mtime_ns = entry.size, entry.mtime_ns

    def close(self) -> None:
        """Close its file; it can be opened again."""
        fd, self.fd = self.fd, _CLOSED
        if fd != _CLOSED:
            os.close(fd)


def new_key() -> str:
    """Return a key that no other generation has."""
    return os.urandom(8).hex()
