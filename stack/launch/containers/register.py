"""The containers of a run by their names, and which of them have ended.

Design rule: who ends is told by the engine's events of everything that carries the run's label, so
that asking who has ended asks nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from docker import DockerClient

from stack.launch.containers.container import Container

__all__ = ["Register"]


class Register:
    """Thread-safe; one name is one container at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._containers: dict[str, Container] = {}

    def add(self, name: str, container: Container) -> None:
        """Have a container known by its name, also where it has ended meanwhile."""
        with self._lock:
            self._containers[name] = container
        container.look()

    def take(self, name: str) -> Container | None:
        """Forget the container of that name, and return it; None where there is none."""
        with self._lock:
            return self._containers.pop(name, None)

    def of(self, name: str) -> Container:
        """Return the container of that name. Raises KeyError."""
        with self._lock:
            return self._containers[name]

    def exited(self) -> Mapping[str, int]:
        """Return the containers that have ended: name to status (negative: the signal)."""
        with self._lock:
            containers = dict(self._containers)
        codes = {name: container.poll() for name, container in containers.items()}
        return {name: code for name, code in codes.items() if code is not None}

    @contextmanager
    def listening(self, client: DockerClient, label: str) -> Iterator[None]:
        """Hear of what carries `label`, as NAME=VALUE, until the context ends."""
        events = client.events(decode=True, filters={"label": label, "event": ["die", "oom"]})
        threading.Thread(
            target=self._listen, args=(events,), name="engine-events", daemon=True
        ).start()
        try:
            yield
        finally:
            events.close()

    def _listen(self, events: Iterable[Any]) -> None:
        for event in events:
            with self._lock:
                named = [one for one in self._containers.values() if one.id == event["Actor"]["ID"]]
            for container in named:
                if event["Action"] == "oom":
                    container.told_out_of_memory()
                else:
                    container.told_ended(int(event["Actor"]["Attributes"]["exitCode"]))
