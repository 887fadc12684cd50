"""A number that several processes raise and none lowers, kept in eight bytes of a shared file."""

import fcntl
import os
import struct
from pathlib import Path

SUFFIX = ".mark"

_DOUBLE = struct.Struct("d")


class HighWaterMark:
    """The highest number that any process has given so far.

    It is kept in the file `path`, whose suffix is replaced by SUFFIX.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_suffix(SUFFIX)

    def read(self) -> float | None:
        """Return the highest number so far, or None where none was given."""
        try:
            stored = self._path.read_bytes()  # eight bytes, written in one call
        except FileNotFoundError:
            return None
        return float(_DOUBLE.unpack(stored)[0]) if len(stored) == _DOUBLE.size else None

    def raise_to(self, value: float) -> float:
        """Return `value`, or what is higher and was given before, by whomever."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            stored = os.pread(descriptor, _DOUBLE.size, 0)
            if len(stored) == _DOUBLE.size:
                value = max(value, _DOUBLE.unpack(stored)[0])
            os.pwrite(descriptor, _DOUBLE.pack(value), 0)
            return value
        finally:
            os.close(descriptor)
