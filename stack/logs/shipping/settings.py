"""How the shipper is to work: the command's options, checked and read once."""

from __future__ import annotations

import argparse
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from stack.logs.connection import SettingsError
from stack.ports import LOOPBACK

__all__ = ["STATE_DIRECTORY", "ShipperSettings"]

STATE_DIRECTORY = "shipper"
"""Beside the log file, where no other directory is named."""

_LARGEST_PORT = 65_535
_DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipperSettings:
    """What one shipper does.

    Attributes:
        file: the log file that is followed, absolute; its rotated ones lie beside it.
        state_directory: holds the checkpoint, the dead letters and the lock.
        metrics_port: where the metrics are served; 0 for any free port.
        metrics_address: the address for it.
        max_bulk_bytes: the largest bulk request, but for a single document that is larger.
        max_age_seconds: how long records are gathered for one request. With the index's refresh it
            makes up how late a record is found.
        grace_seconds: how long the end may take; with `once`, how long a node may be gone, or a
            disk refuse.
        once: whether to end when what is there is shipped.
    """

    file: Path
    state_directory: Path
    metrics_port: int = 0
    metrics_address: str = LOOPBACK
    max_bulk_bytes: int = 1 << 20
    max_age_seconds: float = 0.5
    grace_seconds: float = 20.0
    once: bool = False

    @classmethod
    def all_from_arguments(cls, arguments: argparse.Namespace) -> tuple[Self, ...]:
        """Check the command's options, and return what is done with each of its files.

        Raises SettingsError, a line for a person.
        """
        _check_options(arguments)
        files = [Path(file).absolute() for file in arguments.files]
        if len(files) > 1 and not arguments.once:
            raise SettingsError(f"{len(files)} files: expected one, or --once")
        state = arguments.state_directory
        states = [
            Path(state).absolute() if state else one.parent / STATE_DIRECTORY for one in files
        ]
        if len(set(states)) < len(files):
            raise SettingsError(
                "several files would share a state directory: expected each in a folder of its own,"
                " and no --state-directory"
            )
        for file in files:
            _check_file(file)
            if arguments.once and not file.parent.exists():
                # Without --once it is waited for: a service makes it with its first record.
                raise SettingsError(f"{file.parent} does not exist, so there is nothing to ship")
        return tuple(
            cls(
                file=file,
                state_directory=directory,
                metrics_port=arguments.metrics_port,
                metrics_address=arguments.metrics_address,
                max_bulk_bytes=arguments.max_bulk_bytes,
                max_age_seconds=arguments.max_age_seconds,
                grace_seconds=arguments.grace_seconds,
                once=arguments.once,
            )
            for file, directory in zip(files, states, strict=True)
        )


def _check_options(arguments: argparse.Namespace) -> None:
    if arguments.max_bulk_bytes < 1:
        raise SettingsError(_says("--max-bulk-bytes", arguments.max_bulk_bytes, "at least 1"))
    if not 0 <= arguments.max_age_seconds < float("inf"):
        raise SettingsError(
            _says("--max-age-seconds", arguments.max_age_seconds, "0 or more seconds")
        )
    if not 0 < arguments.grace_seconds <= _DAY_SECONDS:
        wanted = "more than 0 seconds, and a day at most"
        raise SettingsError(_says("--grace-seconds", arguments.grace_seconds, wanted))
    if not 0 <= arguments.metrics_port <= _LARGEST_PORT:
        raise SettingsError(
            _says("--metrics-port", arguments.metrics_port, f"0 to {_LARGEST_PORT}")
        )


def _check_file(file: Path) -> None:
    """Refuse what can't be followed. A file that is not there yet can."""
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            raise SettingsError(f"{file} can't be followed: it is no regular file")
        with file.open("rb"):
            return
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(f"{file} can't be read: {error.strerror}") from error


def _says(option: str, given: object, wanted: str) -> str:
    return f"{option} {given}: expected {wanted}"
