"""Where the parts of a run live: what starts them, and where each is reached from the others.

Design rule: an address is known before its server runs, and is the same from everywhere; whoever
uses a part can't tell whether it is a process or a container.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, Protocol, runtime_checkable

from stack.ports import Place
from stack.timescale import Change

__all__ = ["ANY_PORT", "Contained", "Limits", "Part", "Premises", "Program", "Running"]

ANY_PORT = 0
"""Asks for a port that nobody else has."""

Program = Literal["prometheus", "alertmanager", "python"]
"""What a part is an execution of: one of the tools, or the Python that has the toolkit."""


class Running(Protocol):
    """A part that was started. `subprocess.Popen` is one."""

    @property
    def pid(self) -> int:
        """Its first process, as this machine's kernel counts."""
        ...

    @property
    def stdin(self) -> IO[bytes] | None:
        """Its standard input, if it was asked for."""
        ...

    @property
    def stdout(self) -> IO[bytes] | None:
        """Its standard output, if it was asked for."""
        ...

    def poll(self) -> int | None:
        """Return the status with which it has ended, negative for a signal; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the status.

        Raises `subprocess.TimeoutExpired` after `timeout` seconds.
        """
        ...

    def send_signal(self, sig: int, /) -> None:
        """Send a signal to its first process; one that has ended is not sent any."""
        ...


@runtime_checkable
class Contained(Running, Protocol):
    """A part that runs in a container of its own."""

    def kill(self) -> None:
        """Have the engine kill it, and wait until it has ended."""
        ...

    def pause(self) -> None:
        """Have the engine freeze every process of it."""
        ...

    def unpause(self) -> None:
        """Let them go on."""
        ...

    def run(self, argv: Sequence[str]) -> int:
        """Run a program in it, wait for its end and return its status."""
        ...

    @property
    def paused(self) -> bool:
        """Whether the engine says that it is paused."""
        ...

    @property
    def killed_for_memory(self) -> bool:
        """Whether the kernel killed a process of it for want of memory."""
        ...

    def disconnect(self) -> None:
        """Take it off the network."""
        ...

    def connect(self) -> None:
        """Put it back on the network, at its address."""
        ...

    def held_bytes(self) -> int:
        """Return the memory that it holds, in bytes, as its limit counts it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a part may use, where it is alone in a container.

    Attributes:
        memory_bytes: of memory, or None for no limit.
        cores: of processor time a second, or None for no limit.
        disks: folders that are disks of their own, with the size of each in bytes.
    """

    memory_bytes: int | None = None
    cores: float | None = None
    disks: Mapping[Path, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is to be started.

    Attributes:
        name: unlike that of any other part that runs.
        program: what it is an execution of.
        arguments: the program's.
        log: the file to which its output is appended.
        directory: in which it runs, where it is a process of this machine or one of the tools.
        environment: what it is told beside what every part is told.
        spoken_to: whether its standard input and output are the caller's; it should say nothing
            before it is told something, as nobody may be listening yet.
    """

    name: str
    program: Program
    arguments: Sequence[str]
    log: Path
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    spoken_to: bool = False
    limits: Limits = field(default_factory=Limits)


class Premises(Protocol):
    """One way to run parts. A context manager: all of them end with it."""

    @property
    def apart(self) -> bool:
        """Whether a part may be alone, with limits of its own."""
        ...

    @property
    def outside(self) -> str:
        """The address on which parts reach what runs on this machine beside them."""
        ...

    @property
    def changes(self) -> Sequence[Change]:
        """What parts that were started have otherwise than production's compose file says."""
        ...

    def place(self, name: str, port: int = ANY_PORT) -> Place:
        """Return where the part of that name will be reached; again, for another port of it."""
        ...

    def start(self, part: Part) -> Running:
        """Start a part, for the first time or again, without waiting for anything."""
        ...

    def start_together(self, parts: Sequence[Part]) -> Sequence[Running]:
        """Start several parts that belong together, without waiting for any to be ready."""
        ...

    def stop(self, *names: str) -> None:
        """End parts that were started, gracefully and all at once."""
        ...

    def kernel_pid(self, name: str, pid: int) -> int:
        """Return how this machine's kernel counts a process of a part, of what the part tells."""
        ...

    def exited(self) -> Mapping[str, int]:
        """Return the parts that have ended: name to status."""
        ...
