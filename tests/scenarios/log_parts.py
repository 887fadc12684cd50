"""Doubles of a run's nodes and processes, which write down what is done with them."""

from __future__ import annotations

import subprocess

from stack.launch.starting import LaunchError
from stack.processes import Processes


class Process:
    """A process that has ended with a status."""

    def __init__(self, status: int) -> None:
        self._status = status

    def wait(self, timeout: float) -> int:
        if self._status < 0:
            raise subprocess.TimeoutExpired("it", timeout)
        return self._status


class Node:
    """A node that writes down what is done with it."""

    url = "http://127.0.0.1:9"
    pid = None

    def __init__(self, name: str, done: list[str]) -> None:
        self.name = name
        self.well = True
        self._done = done

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self._done.append(f"{self.name} ends")

    def start(self) -> None:
        self._done.append(f"{self.name} starts")

    def wait_ready(self, _seconds: float) -> None:
        if not self.well:
            raise LaunchError(f"{self.name} is not ready")
        self._done.append(f"{self.name} is ready")


class Watched(Processes):
    """Processes of which none is started: each ends with ``status``; below 0 it never does."""

    def __init__(self, done: list[str], status: int = 0) -> None:
        super().__init__()
        self._done = done
        self._status = status
        self._known: set[str] = set()

    def start(self, name: str, *_: object, **__: object) -> subprocess.Popen[bytes]:  # type: ignore[override]  # what it is given does not matter
        self._done.append(f"{name} starts")
        self._known.add(name)
        return Process(self._status)  # type: ignore[return-value]  # waited for, at the most

    def stop(self, *names: str, grace_seconds: float = 0.0) -> None:
        if not self._known.issuperset(names):
            super().stop(*names)
        self._done.extend(f"{name} ends" for name in names)
