"""Files that are there whole after a crash, or not at all.

Design rule: an error says which file it is about; the kernel names none when a write fails.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["FILE_MODE", "naming", "sync_directory", "write_whole"]

FILE_MODE = 0o640
"""As the log file's own: what stands in it is the same."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an OSError of the block name `path`, where it names no file itself."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` in place of what `path` holds: draft, fsync, rename. Raises OSError."""
    draft = path.with_name(f"{path.name}.draft")
    with naming(path):
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        draft.replace(path)
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory last, too. Raises OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
