"""Files that are made once, for their owner alone, and never written again.

Design rule: a file gets its name when it is whole, and only if the name is free. So two that start
at the same time agree on one content, and a file that is there is a person's.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from stack.compose.failure import StackFailure
from stack.compose.places import shown

__all__ = ["check_private", "make_directory", "make_once", "read_private"]

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_once(path: Path, content: str) -> bool:
    """Write a file of mode 0600 unless there is one; tell whether it was written.

    Raises StackFailure where the file system does not allow it.
    """
    if os.path.lexists(path):
        return False
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        draft = Path(name)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(number)
            os.link(draft, path)  # unlike a rename, it does not replace what came meanwhile
        finally:
            draft.unlink()
    except FileExistsError:
        return False
    except OSError as error:
        raise StackFailure(
            f"can't make {shown(path)}: {error.strerror}; look: ls -ld {shown(path.parent)}"
        ) from error
    return True


def make_directory(path: Path) -> None:
    """Make a directory of mode 0700 unless there is one. Raises StackFailure."""
    try:
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise StackFailure(f"can't make {shown(path)}: {error.strerror}") from error


def check_private(path: Path) -> None:
    """Refuse a file that others may read, or that is none. Raises StackFailure."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise StackFailure(f"can't read {shown(path)}: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        raise StackFailure(f"{shown(path)} is no file; remove it, then: nox -s stack -- up")
    if mode & _OTHERS:
        raise StackFailure(
            f"{shown(path)} may be read by others (mode {stat.S_IMODE(mode):04o}): "
            f"chmod 600 {shown(path)}"
        )


def read_private(path: Path) -> str:
    """Return the content of a file that only its owner may read. Raises StackFailure."""
    check_private(path)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StackFailure(f"can't read {shown(path)}: {reason}") from error
