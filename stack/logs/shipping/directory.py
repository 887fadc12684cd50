"""Which files beside the log file may be generations of it: by their names, and regular ones."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from stack.logs.shipping.generation import Entry

__all__ = ["entries_of", "entry_of"]

_PACKED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".Z")
"""A rotator's compressed files; they were read before they were packed, or are lost and counted."""


def entry_of(path: Path) -> Entry | None:
    """Return the regular file that `path` names, through links; None where there is none."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    return Entry.of(path, about) if stat.S_ISREG(about.st_mode) else None


def entries_of(path: Path) -> dict[tuple[int, int], Entry]:
    """Return the log file and its rotated ones, by device and inode.

    Rotated are `<path>.*` and `<path>-*`, as the service, logrotate and its `dateext` name them.
    """
    found: dict[tuple[int, int], Entry] = {}
    starts = (f"{path.name}.", f"{path.name}-")
    try:
        with os.scandir(path.parent) as listed:
            for one in listed:
                if not one.name.startswith(starts) or one.name.endswith(_PACKED):
                    continue
                try:
                    about = one.stat(follow_symlinks=False)
                except FileNotFoundError:  # removed, or renamed, meanwhile
                    continue
                # A person's file that may not be read must not stop the log's own.
                if stat.S_ISREG(about.st_mode) and os.access(one.path, os.R_OK):
                    entry = Entry.of(path.parent / one.name, about)
                    found[entry.device, entry.inode] = entry
    except FileNotFoundError:  # the service makes the directory with its first record
        return {}
    current = entry_of(path)
    if current is not None:
        found[current.device, current.inode] = current
    return found
