"""What tells one content of a file from another: a hash of some bytes, with their number.

Design rule: device and inode say which file it is, fingerprints whether it still holds what was
read from it. Inode numbers are given out again, and a file can be emptied and filled anew.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

__all__ = ["HEAD_BYTES", "TAIL_BYTES", "Fingerprint", "head_of"]

HEAD_BYTES = 4096
"""How much of a file's first line is looked at. A record's `event.id` stands at its end, and a
usual one is a few hundred bytes long."""

TAIL_BYTES = 256
"""How much before the place that was read last; the `event.id` of the last record stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The number of some bytes and their SHA-256 in hexadecimal digits."""

    length: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Take the fingerprint of all of `data`."""
        return cls(length=len(data), sha256=hashlib.sha256(data).hexdigest())

    def fits(self, data: bytes) -> bool:
        """Tell whether `data` begins with the bytes that this was taken of."""
        return len(data) >= self.length and self == Fingerprint.of(data[: self.length])


def head_of(data: bytes) -> Fingerprint | None:
    """Return the fingerprint of a file that begins with `data`; None while it has no whole line."""
    end = data.find(b"\n", 0, HEAD_BYTES) + 1
    if end == 0 and len(data) < HEAD_BYTES:
        return None
    return Fingerprint.of(data[: end or HEAD_BYTES])
