"""The order in which tools are looked for, and nothing of how."""

from __future__ import annotations

from collections.abc import Callable

from stack.tools.model import Tools, ToolsUnavailable
from stack.tools.settings import ToolSettings

__all__ = ["find_tools"]


def find_tools(settings: ToolSettings, report: Callable[[str], None]) -> Tools:
    """Find."""
    raise ToolsUnavailable("not written yet")
