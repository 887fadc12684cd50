"""Whether a file of the directory is that of a generation, and opening it as such.

Design rule: a name is only where to look. What was opened is compared before it is believed, as
another file may have taken the name, and another content the file.
"""

from __future__ import annotations

import os

from stack.logs.shipping.directory import entry_of
from stack.logs.shipping.generation import Entry, Generation

__all__ = ["bind", "holds", "open_entry", "opened"]


def open_entry(entry: Entry) -> int | None:
    """Open the file of an entry; None where its name has another file by now. Raises OSError."""
    try:
        fd = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    about = os.fstat(fd)
    if (about.st_dev, about.st_ino) == (entry.device, entry.inode):
        return fd
    os.close(fd)
    return None


def bind(one: Generation, entry: Entry) -> bool:
    """Open the file of an entry for a generation, if it holds it. Raises OSError."""
    fd = open_entry(entry)
    if fd is None:
        return False
    if one.is_held_by(fd, os.fstat(fd).st_size):
        one.bind(fd, entry)
        return True
    os.close(fd)
    return False


def opened(one: Generation) -> bool:
    """Tell whether a generation's file is open, after trying to open it. Raises OSError."""
    if one.is_open:
        return True
    entry = None if one.place is None else entry_of(one.place)
    return entry is not None and entry.inode == one.inode and bind(one, entry)


def holds(entry: Entry, one: Generation) -> bool:
    """Tell whether the file of an open generation still holds it; its length is its own then."""
    if entry.size == one.size or not one.is_open:
        return entry.size >= one.read
    return one.is_held_by(one.fd, entry.size)
