"""A stack's configuration files, judged by the tools of their own projects before anything runs.

Design rule: a problem is returned with the command that shows it again; nothing is printed.
"""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack.drill_files import ALERTMANAGER_CONFIG, PROMETHEUS_CONFIG, RULES
from stack.tools import Tools

__all__ = ["ConfigProblem", "check_configs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One file that its own project's tool rejects. `look` is the command that shows it again."""

    file: Path
    message: str
    look: str


def check_configs(tools: Tools, directory: Path) -> tuple[ConfigProblem, ...]:
    """Check the three files of an embedded stack in `directory`; an empty answer is a pass.

    Raises OSError if a tool cannot be started.
    """
    promtool, amtool = tools.promtool.command, tools.amtool.command
    checks = {
        PROMETHEUS_CONFIG: (*promtool, "check", "config", str(directory / PROMETHEUS_CONFIG)),
        RULES: (*promtool, "check", "rules", str(directory / RULES)),
        ALERTMANAGER_CONFIG: (*amtool, "check-config", str(directory / ALERTMANAGER_CONFIG)),
    }
    running = {
        name: subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, command in checks.items()
    }
    problems = []
    for name, process in running.items():
        output, _ = process.communicate()
        if process.returncode != 0:
            problems.append(
                ConfigProblem(
                    file=directory / name,
                    message=output.strip() or f"exit status {process.returncode}",
                    look=shlex.join(checks[name]),
                )
            )
    return tuple(problems)
