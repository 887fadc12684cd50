"""Prometheus and promtool, the very programs that the embedded stack runs.

Design rule: programs are found as `stack.tools` finds them, and one that changes changes the hash.
"""

from __future__ import annotations

from pathlib import Path

from stack.images.kitchen import Kitchen
from stack.images.programs import copy_programs, program_inputs
from stack.images.recipe import Recipe, folder_files
from stack.tools import find_tools

__all__ = ["recipe"]


def recipe(kitchen: Kitchen) -> Recipe:
    """Return how Prometheus's image is made. Raises ToolsUnavailable."""
    tools = find_tools(kitchen.settings, kitchen.report)
    programs = (tools.prometheus, tools.promtool)

    def fetch(context: Path) -> str:
        copy_programs(programs, context / "bin")
        return tools.prometheus.source

    return Recipe(
        name="prometheus",
        files=folder_files(Path(__file__).parent),
        inputs=program_inputs(programs),
        parent="base",
        fetch=fetch,
    )
