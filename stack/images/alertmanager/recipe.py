"""Alertmanager and amtool, the very programs that the embedded stack runs.

Design rule: Debian's build is given the templates that it opens by their absolute path, so that no
mount namespace is needed in a container; another build is given none.
"""

from __future__ import annotations

from pathlib import Path

from stack.images.kitchen import Kitchen
from stack.images.programs import copy_programs, program_inputs
from stack.images.recipe import Recipe, folder_files, read_files
from stack.images.workplace import write_context
from stack.tools import find_tools
from stack.tools.namespace import TEMPLATES

__all__ = ["recipe"]


def recipe(kitchen: Kitchen) -> Recipe:
    """Return how Alertmanager's image is made. Raises ToolsUnavailable."""
    tools = find_tools(kitchen.settings, kitchen.report)
    programs = (tools.alertmanager, tools.amtool)
    templates = _templates_beside(tools.alertmanager.path)

    def fetch(context: Path) -> str:
        copy_programs(programs, context / "bin")
        (context / "templates").mkdir()
        if templates is not None:
            found = read_files(templates, templates.glob("*.tmpl"))
            write_context(context / "templates", found)
        return tools.alertmanager.source

    return Recipe(
        name="alertmanager",
        files=folder_files(Path(__file__).parent),
        # They are of the package that the program is of, so that its checksum stands for them.
        inputs=program_inputs(programs),
        parent="base",
        fetch=fetch,
    )


def _templates_beside(program: Path) -> Path | None:
    """Return the folder of the templates in the prefix with this `usr/bin` program, if any."""
    for prefix in program.parents:
        templates = prefix / TEMPLATES.parent.relative_to("/")
        if templates.is_dir():
            return templates
    return None
