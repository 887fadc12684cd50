"""The embedded stack's programs, for an image.

Design rule: they are copied as they are; their checksums are what a recipe knows them by.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from stack.tools import Tool

__all__ = ["copy_programs", "program_inputs"]


def program_inputs(programs: Iterable[Tool]) -> dict[str, str]:
    """Return what a recipe's hash must know of them."""
    return {tool.name: tool.sha256 for tool in programs}


def copy_programs(programs: Iterable[Tool], folder: Path) -> None:
    """Copy them under their upstream names, whatever their package calls them. Raises OSError."""
    folder.mkdir()
    for tool in programs:
        shutil.copyfile(tool.path, folder / tool.name)
        (folder / tool.name).chmod(0o755)
