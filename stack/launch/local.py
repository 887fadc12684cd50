"""Parts as processes of this machine, on reserved loopback ports: the embedded stack.

Design rule: it starts what it is told by programs that were found, and adds nothing but the end of
each with this process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Self

from stack.go_runtime import frugal_environment
from stack.launch.premises import ANY_PORT, Limits, Part, Program
from stack.ports import LOOPBACK, Reservation, reserve
from stack.processes import ProcessError, Processes
from stack.timescale import Change
from stack.tools import Tools

__all__ = ["Local"]

THIS_PYTHON: Mapping[Program, Sequence[str]] = {"python": (sys.executable,)}


class Local:
    """`stack.launch.premises.Premises` on this machine."""

    apart = False
    changes: Sequence[Change] = ()
    outside = LOOPBACK

    def __init__(
        self, processes: Processes, programs: Mapping[Program, Sequence[str]] = THIS_PYTHON
    ) -> None:
        """Start processes of these programs: the beginning of each one's argument list."""
        self._processes = processes
        self._programs = programs

    @classmethod
    def of(cls, processes: Processes, tools: Tools) -> Self:
        """Return premises with tools that were found."""
        return cls(
            processes,
            {
                **THIS_PYTHON,
                "prometheus": tools.prometheus.command,
                "alertmanager": tools.alertmanager.command,
            },
        )

    def place(self, name: str, port: int = ANY_PORT) -> Reservation:
        """Reserve a loopback port: whichever is free, as others run here too."""
        return reserve()

    def start(self, part: Part) -> subprocess.Popen[bytes]:
        """Start a process; see `stack.processes.Processes.start`.

        Raises `ProcessError` also for a part with limits, which only a container has.
        """
        if part.limits != Limits():
            raise ProcessError(f"cannot start {part.name}: only a container has {part.limits}")
        go = part.program != "python"
        pipe = subprocess.PIPE if part.spoken_to else None
        return self._processes.start(
            part.name,
            [*self._programs[part.program], *part.arguments],
            log=part.log,
            cwd=part.directory,
            env={**(frugal_environment() if go else os.environ), **part.environment},
            stdin=pipe,
            stdout=pipe,
        )

    def start_together(self, parts: Sequence[Part]) -> Sequence[subprocess.Popen[bytes]]:
        """Start several, one after the other: none is waited for. Raises as `start` does."""
        return [self.start(part) for part in parts]

    def stop(self, *names: str) -> None:
        """End processes: SIGTERM to all at once, then SIGKILL to those that remain."""
        self._processes.stop(*names)

    def kernel_pid(self, name: str, pid: int) -> int:
        """Return `pid`: processes count as this machine does."""
        return pid

    def exited(self) -> Mapping[str, int]:
        """Return the processes that have ended: name to return code (negative: the signal)."""
        return self._processes.exited()
