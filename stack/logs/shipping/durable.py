"""Files that are there whole after a crash, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["FILE_MODE", "sync_directory", "write_whole"]

FILE_MODE = 0o640
"""As the log file's own: what stands in it is the same."""


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` in place of what `path` holds: draft, fsync, rename. Raises OSError."""
    draft = path.with_name(f"{path.name}.draft")
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
