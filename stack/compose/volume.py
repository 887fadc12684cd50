"""A directory whose files are exactly those that are given, each with its owner and mode.

Design rule: a file is replaced in one step, so that whoever reads meanwhile sees the old one or the
new one; what is not given any more is removed.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from stack.compose.shares import Owner

__all__ = ["PUBLIC", "SECRET", "Chown", "fill", "give"]

SECRET = 0o400
PUBLIC = 0o444

Chown = Callable[[Path, int, int], None]
"""`os.chown`; a test is not root."""


def give(directory: Path, owner: Owner, chown: Chown, *, mode: int = 0o750) -> None:
    """Make a directory, where there is none, and its owner's. What is in it stays as it is."""
    directory.mkdir(exist_ok=True)
    if stat.S_IMODE(directory.stat().st_mode) != mode:
        directory.chmod(mode)
    chown(directory, owner.user, owner.group)


def fill(
    directory: Path, files: Mapping[str, bytes], owner: Owner, chown: Chown, *, mode: int = SECRET
) -> None:
    """Have the directory hold these files, and no other; directories in it are left alone."""
    give(directory, owner, chown)
    for name, content in files.items():
        number, drafted = tempfile.mkstemp(dir=directory, prefix=f".{name}.")
        draft = Path(drafted)
        with os.fdopen(number, "wb") as file:
            file.write(content)
        draft.chmod(mode)
        chown(draft, owner.user, owner.group)
        draft.replace(directory / name)
    for each in directory.iterdir():
        if each.name not in files and not each.is_dir():
            each.unlink()
