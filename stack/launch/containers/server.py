"""What runs in a container as its own image says: a database, a store of logs.

Design rule: nothing of it is known here but its image, what it is told, and what it may read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.launch.containers.group import YIELDING_SHARES

__all__ = ["Server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is to be started.

    Attributes:
        name: unlike that of any other part that runs.
        image: its reference, as the engine knows it.
        user: as whom it runs, as `UID:GID` of its image.
        yields: whether it gives way to all other containers where processors are short.
        environment: what it is told.
        files: what it may read, by the path that it has inside.
    """

    name: str
    image: str
    user: str
    yields: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def cpu_shares(self) -> int | None:
        """What the engine is told of its share of the processors; None for its default."""
        return YIELDING_SHARES if self.yields else None
