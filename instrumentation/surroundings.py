"""What a launched instance is told beside its own environment.

One rule: the variables are read once, here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROBE_SECONDS, PROBE_TIMEOUT_SECONDS = 5.0, 3.0
"""Those of `watch_database`, where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an instance is told beside its own environment, by variables of the drill's.

    Attributes:
        working_directory: where it runs; None for the instance's own folder.
        prepare: a command that is run once in the instance's folder before the application is made.
        maintenance_file: means that it is not ready, while it is there.
        database_file: the SQLite file that is watched for it, if it does not watch it itself.
        backup_file: the file of the last backup, whose time is watched for it.
        probe_seconds, probe_timeout_seconds: how often the database is asked, and for how long.
    """

    working_directory: Path | None = None
    prepare: tuple[str, ...] = ()
    maintenance_file: Path | None = None
    database_file: Path | None = None
    backup_file: Path | None = None
    probe_seconds: float = PROBE_SECONDS
    probe_timeout_seconds: float = PROBE_TIMEOUT_SECONDS

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Surroundings":
        """Read the `LAUNCH_*` variables; one that is unset takes its default."""

        def path(name: str) -> Path | None:
            return Path(text) if (text := environ.get(f"LAUNCH_{name}")) else None

        return cls(
            working_directory=path("WORKING_DIRECTORY"),
            prepare=tuple(json.loads(environ.get("LAUNCH_PREPARE") or "[]")),
            maintenance_file=path("MAINTENANCE_FILE"),
            database_file=path("DATABASE_FILE"),
            backup_file=path("BACKUP_FILE"),
            probe_seconds=float(environ.get("LAUNCH_PROBE_SECONDS", PROBE_SECONDS)),
            probe_timeout_seconds=float(
                environ.get("LAUNCH_PROBE_TIMEOUT_SECONDS", PROBE_TIMEOUT_SECONDS)
            ),
        )
