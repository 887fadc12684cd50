"""A service instance that is alone in a container: what is done to it is done to the container.

One rule: where a fault is the container's own (killed, paused, out of memory), it is asked of the
engine, and what the engine says is the witness.
"""

from __future__ import annotations

from scenarios.service import Instance


class ContainedInstance(Instance):
    """One service instance with a fleet, and so a container, of its own."""

    def start(self) -> None:
        """Start the container, unless it runs, and the instance in it."""
        if self.fleet.died is not None or not self.fleet.started:
            self.fleet.start()
        super().start()

    def kill(self) -> None:
        """Kill the container."""
        self.fleet.container.kill()

    def freeze(self) -> None:
        """Pause the container."""
        self.fleet.container.pause()

    def thaw(self) -> None:
        """Let the container go on."""
        self.fleet.container.unpause()

    frozen_says = "the engine shows the container paused"

    @property
    def frozen(self) -> bool:
        """Whether the engine says that the container is paused."""
        return self.fleet.container.paused

    def held_bytes(self) -> int:
        """Return the memory that the container's control group holds, as its limit counts it."""
        return self.fleet.container.held_bytes()
