"""How far the file is shipped, on disk: read once at the start, written after each bulk answer.

Design rule: it is written whole or not at all, and never says more than what is in the index or
among the dead letters. What it says too little of is sent again, and the index has it already.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from stack.logs.connection import SettingsError
from stack.logs.shipping.durable import write_whole
from stack.logs.shipping.fingerprint import Fingerprint
from stack.logs.shipping.generation import Mark

__all__ = ["CHECKPOINT_FILE", "Checkpoint", "load_checkpoint", "save_checkpoint"]

CHECKPOINT_FILE = "checkpoint.json"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where to go on.

    Attributes:
        path: the file that is followed.
        marks: its generations that still have a file, the oldest first.
        arrival: the time that odd records were last given for want of their own; None for none.
    """

    path: Path
    marks: tuple[Mark, ...] = ()
    arrival: datetime | None = None


def load_checkpoint(directory: Path, path: Path) -> Checkpoint:
    """Return the checkpoint for `path`, one that says nothing where there is none yet.

    Raises SettingsError for one of another file or a malformed one, OSError for an unreadable one.
    """
    file = directory / CHECKPOINT_FILE
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return Checkpoint(path=path)
    try:
        raw = json.loads(text)
        if raw["version"] != _VERSION:
            raise ValueError(f"version {raw['version']!r}, expected {_VERSION}")
        arrival = raw["arrival"]
        found = Checkpoint(
            path=Path(raw["path"]),
            marks=tuple(_mark(one) for one in raw["generations"]),
            arrival=None if arrival is None else datetime.fromisoformat(arrival),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{file} is no checkpoint ({type(error).__name__}: {error}); remove it to ship from"
            " the beginning: records with an event.id are not written twice, other lines may be"
        ) from error
    if found.path != path:
        raise SettingsError(
            f"{file} is about {found.path}, not about {path}: each file needs a --state-directory"
            " of its own"
        )
    return found


def save_checkpoint(directory: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint and wait until the disk has it. Raises OSError."""
    raw = {
        "version": _VERSION,
        "path": str(checkpoint.path),
        "arrival": None if checkpoint.arrival is None else checkpoint.arrival.isoformat(),
        "generations": [
            {
                "key": mark.key,
                "device": mark.device,
                "inode": mark.inode,
                "fingerprint": _written(mark.head),
                "offset": mark.offset,
                "before_offset": _written(mark.tail),
                "size": mark.size,
            }
            for mark in checkpoint.marks
        ],
    }
    data = orjson.dumps(raw, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_whole(directory / CHECKPOINT_FILE, data)


def _written(fingerprint: Fingerprint) -> Mapping[str, int | str]:
    return {"bytes": fingerprint.length, "sha256": fingerprint.sha256}


def _mark(raw: Mapping[str, Any]) -> Mark:
    return Mark(
        key=str(raw["key"]),
        device=int(raw["device"]),
        inode=int(raw["inode"]),
        head=_fingerprint(raw["fingerprint"]),
        offset=_natural(raw["offset"]),
        tail=_fingerprint(raw["before_offset"]),
        size=_natural(raw["size"]),
    )


def _fingerprint(raw: Mapping[str, Any]) -> Fingerprint:
    return Fingerprint(length=_natural(raw["bytes"]), sha256=str(raw["sha256"]))


def _natural(raw: object) -> int:
    if type(raw) is not int or raw < 0:
        raise ValueError(f"expected a number of bytes, found {raw!r}")
    return raw
