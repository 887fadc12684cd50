"""One container of a run, which can be used as a process is, and more.

Design rule: when it ends is told by the engine's events, so that asking whether it runs costs
nothing; what is asked of the engine is asked of this one container.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from socket import SocketIO
from typing import IO, Any, cast

from docker.errors import APIError
from docker.models.containers import Container as EngineContainer
from docker.utils.socket import frames_iter

from stack.launch.containers.network import RunNetwork

__all__ = ["Container"]

STDOUT = 1
WORDS = 8
NOT_RUN = -1
SPOKEN = {"stdin": 1, "stdout": 1, "stream": 1}
SHELL_SIGNAL = 128
"""An exit status above this is that of a signal, as of a shell's."""


class Container:
    """`stack.launch.premises.Running`, as a container."""

    def __init__(self, name: str, made: EngineContainer, network: RunNetwork) -> None:
        self.name = name
        self._made = made
        self._network = network
        self._ended = threading.Event()
        self._out_of_memory = threading.Event()
        self._status = 0
        self._out: tuple[IO[bytes], IO[bytes]] | None = None
        made.reload()
        self._pid = int(made.attrs["State"]["Pid"])

    @property
    def id(self) -> str:
        """The engine's id of it."""
        return str(self._made.id)

    @property
    def pid(self) -> int:
        """Its first process, as this machine's kernel counts."""
        return self._pid

    @property
    def stdin(self) -> IO[bytes] | None:
        """Its standard input, if it is spoken to."""
        return self._out[0] if self._out else None

    @property
    def stdout(self) -> IO[bytes] | None:
        """Its standard output, if it is spoken to."""
        return self._out[1] if self._out else None

    def speak(self) -> None:
        """Attach to its standard input and output."""
        attached = cast(SocketIO, self._made.attach_socket(params=SPOKEN))
        stdin = os.fdopen(os.dup(attached.fileno()), "wb", buffering=0)
        frames: Iterator[tuple[int, bytes]] = frames_iter(attached, tty=False)  # type: ignore[no-untyped-call]  # it has no types
        reading, writing = os.pipe()

        def relay() -> None:
            with os.fdopen(writing, "wb", buffering=0) as told, contextlib.suppress(OSError):
                for stream, data in frames:
                    if stream == STDOUT:
                        told.write(data)

        threading.Thread(target=relay, name=f"hears-{self.name}", daemon=True).start()
        self._out = stdin, os.fdopen(reading, "rb")

    def look(self) -> None:
        """Take note of its end, if it has ended before anybody listened."""
        self._made.reload()
        state = self._made.attrs["State"]
        if state["Status"] in ("exited", "dead"):
            self.told_ended(int(state["ExitCode"]))

    def told_ended(self, status: int) -> None:
        """Take note of its end, with the engine's exit status."""
        self._status = SHELL_SIGNAL - status if status > SHELL_SIGNAL else status
        self._ended.set()

    def poll(self) -> int | None:
        """Return the status with which it has ended, negative for a signal; None while it runs."""
        return self._status if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the status.

        Raises `subprocess.TimeoutExpired` after `timeout` seconds.
        """
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.name, timeout or 0.0)
        return self._status

    def send_signal(self, sig: int, /) -> None:
        """Send a signal to its first process; one that has ended is not sent any."""
        try:
            self._made.kill(signal.Signals(sig).name)
        except APIError as error:
            if not _is_down(error):
                raise

    def terminate(self, grace_seconds: float) -> None:
        """Ask it to end, and kill it where it has not after `grace_seconds`."""
        self.send_signal(signal.SIGTERM)
        if not self._ended.wait(grace_seconds):
            self.kill()

    def kill(self) -> None:
        """Have the engine kill it, and wait until it has ended."""
        self.send_signal(signal.SIGKILL)
        self.wait(WAIT_SECONDS)

    def start_again(self) -> None:
        """Start it again as it was, with what it has written, once it has ended."""
        self._ended.clear()
        self._made.start()
        self._made.reload()
        self._pid = int(self._made.attrs["State"]["Pid"])

    def run(self, argv: Sequence[str]) -> int:
        """Run a program in it, wait for its end and return its status; -1 where it does not run."""
        try:
            status = self._made.exec_run(list(argv)).exit_code
        except APIError as error:
            if _is_down(error):
                return NOT_RUN
            raise
        return NOT_RUN if status is None else status

    def last_words(self) -> str:
        """Return the end of what it said, in one line."""
        told = self._made.logs(tail=WORDS).decode(errors="replace").split("\n")
        return " | ".join(line.strip() for line in told if line.strip())

    def all_words(self) -> bytes:
        """Return what it said, as far as the engine kept it."""
        return bytes(self._made.logs())

    def pause(self) -> None:
        """Have the engine freeze every process of it."""
        self._made.pause()

    def unpause(self) -> None:
        """Let them go on."""
        self._made.unpause()

    @property
    def paused(self) -> bool:
        """Whether the engine says that it is paused."""
        self._made.reload()
        return bool(self._made.attrs["State"]["Paused"])

    @property
    def killed_for_memory(self) -> bool:
        """Whether the kernel killed a process of it for want of memory, as the engine told."""
        return self._out_of_memory.is_set()

    def told_out_of_memory(self) -> None:
        """Take note of that."""
        self._out_of_memory.set()

    def disconnect(self) -> None:
        """Take it off the network."""
        self._network.disconnect(self.name)

    def connect(self) -> None:
        """Put it back on the network, at its address."""
        self._network.connect(self.name)

    def held_bytes(self) -> int:
        """Return the memory that its control group uses less what was read from inactive files.

        That is what the engine's own `docker stats` shows, in bytes.
        """
        stats = cast(dict[str, Any], self._made.stats(stream=False, one_shot=True))
        memory = stats["memory_stats"]
        inactive = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file"))
        return int(memory["usage"]) - int(inactive or 0)

    def remove(self) -> None:
        """Remove it, whatever it does."""
        with contextlib.suppress(APIError):  # somebody does already, or has done
            self._made.remove(force=True, v=True)
        if self._out:
            for pipe in self._out:
                with contextlib.suppress(OSError):
                    pipe.close()


WAIT_SECONDS = 30.0
"""How long the engine may take to tell of an end that was asked for; a busy one takes a second."""


def _is_down(error: APIError) -> bool:
    return error.status_code in (404, 409)
