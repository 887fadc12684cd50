"""Where the stack's files are on the machine that runs it; nothing is read or written here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

__all__ = ["Places", "shown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The compose file, the settings beside it, and where secrets are made.

    Attributes:
        compose_file: names everything else relative to its own directory.
        env_file: where compose looks for settings by itself: beside the compose file.
        secrets: the directory that is used unless `.env` names another.
    """

    compose_file: Path
    env_file: Path
    secrets: Path

    @classmethod
    def of(cls, room: Path) -> Self:
        """Return the places below `room`, which is `stack/`."""
        return cls(
            compose_file=room / "docker-compose.monitoring.yml",
            env_file=room / ".env",
            secrets=room / "compose" / "secrets",
        )

    @classmethod
    def here(cls) -> Self:
        """Return the places of this clone."""
        return cls.of(Path(__file__).resolve().parents[1])


def shown(path: Path) -> str:
    """Return the path as it can be pasted: from the working directory, where it is below it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
