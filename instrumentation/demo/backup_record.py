"""The record of the last successful backup: one small JSON file, which the service re-reads.

One rule: it is replaced in one step, and only after a backup was verified.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path


class BackupRecordUnreadable(Exception):
    """The record is there, and says nothing that can be believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRecord:
    """The last successful backup.

    Attributes:
        completed_at: when it was verified and in place, in seconds since the epoch.
        path: the copy.
        bytes: the copy's size.
    """

    completed_at: float
    path: str
    bytes: int


def read_backup_record(path: Path) -> BackupRecord | None:
    """Return the record, or ``None`` where no backup was ever recorded.

    Raises:
        BackupRecordUnreadable: it can't be read, or is no such record.
    """
    try:
        raw = json.loads(path.read_text())
        completed_at = float(raw["completed_at"])
        if not (math.isfinite(completed_at) and completed_at >= 0):
            raise ValueError(f"completed_at is {completed_at}")
        return BackupRecord(
            completed_at=completed_at,
            path=str(raw.get("path", "")),
            bytes=int(raw.get("bytes", 0)),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupRecordUnreadable(
            f"{path}: expected the JSON record of a backup, {type(error).__name__}: {error}"
        ) from error


def write_backup_record(path: Path, record: BackupRecord) -> None:
    """Replace the record in one step, so that a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    try:
        with draft.open("w") as file:
            file.write(json.dumps(asdict(record)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
