"""Whether the repository's own files are valid, by the tools of Prometheus and Alertmanager.

One rule: their own tools say so; where these can't be had, it is not known.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from scenarios.deployment.seen import Missing, NotSeen, of
from scenarios.deployment.visit import Visit
from scenarios.saying import line_to_nobody
from scenarios.verdict import Verdict
from stack.tools import ToolSettings, ToolsUnavailable, find_tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One file, and what its own project's tool says of it; "" where that accepts it."""

    file: str
    complaint: str
    command: str


def files_checked(visit: Visit) -> tuple[Checked, ...]:
    """See what promtool and amtool say of the files in the repository."""
    try:
        tools = find_tools(ToolSettings.from_env(), line_to_nobody)
    except ToolsUnavailable as error:
        raise NotSeen(str(error), "install promtool and amtool on PATH") from error
    files = visit.target.files
    return (
        _check([*tools.promtool.command, "check", "rules", str(files.rules)], visit),
        _check([*tools.amtool.command, "check-config", str(files.alertmanager)], visit),
    )


def _check(command: Sequence[str], visit: Visit) -> Checked:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=max(1.0, visit.left_seconds),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotSeen(f"{command[0]} did not end in time") from error
    said = " ".join((done.stderr or done.stdout).split())
    return Checked(
        file=command[-1],
        complaint="" if done.returncode == 0 else said or f"exit status {done.returncode}",
        command=shlex.join([*command]),
    )


def judge_files(seen: tuple[Checked, ...] | Missing) -> Verdict:
    """Judge that both files are accepted."""
    claim, expected = "rule and routing files are valid", "promtool and amtool accept them"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    wrong = [one for one in seen if one.complaint]
    problems = "\n".join(f"{one.file}: {one.complaint}" for one in wrong)
    look = wrong[0].command if wrong else ""
    return of(claim, expected, "both are accepted", problems, look)
