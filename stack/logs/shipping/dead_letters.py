"""Records that Elasticsearch refused: kept on disk, whole, with the reason.

Design rule: a letter is on the disk before the checkpoint moves past its record. A crash between
the two writes the letter again; both have the same `id`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from stack.logs.shipping.durable import FILE_MODE, naming, sync_directory

__all__ = ["DEAD_LETTERS_FILE", "Refused", "keep_dead_letters"]

DEAD_LETTERS_FILE = "dead-letters.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A record that the index will not take.

    Attributes:
        status: the HTTP status for it.
        reason_type: the error's type, as Elasticsearch names it.
        reason: the error in words, its cause included.
        index: where it should have gone.
        id: its id there.
        document: the document as it was sent, in JSON.
    """

    status: int
    reason_type: str
    reason: str
    index: str
    id: str
    document: bytes


def keep_dead_letters(directory: Path, letters: Sequence[Refused]) -> None:
    """Append the letters, a line of JSON each, and wait until the disk has them.

    Raises OSError where it has not; then none of these letters stands in the file.
    """
    if not letters:
        return
    lines = b"".join(
        orjson.dumps(
            {
                "reason": {"type": one.reason_type, "reason": one.reason},
                "status": one.status,
                "index": one.index,
                "id": one.id,
                "document": orjson.Fragment(one.document),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for one in letters
    )
    path = directory / DEAD_LETTERS_FILE
    is_new = not path.exists()
    with naming(path):
        _append(path, lines)
        if is_new:
            sync_directory(directory)


def _append(path: Path, lines: bytes) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
    try:
        before = os.fstat(fd).st_size
        torn = before and os.pread(fd, 1, before - 1) != b"\n"  # a killed shipper's last line
        view = memoryview(b"\n" + lines if torn else lines)
        try:
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        except OSError:
            os.ftruncate(fd, before)
            raise
    finally:
        os.close(fd)
