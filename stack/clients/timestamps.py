"""Timestamps as Prometheus and Alertmanager write them (RFC 3339), as seconds since the epoch.

Design rule: Go's zero time means "never" and reads as 0.0, so that no reader compares with the
year 1.
"""

from __future__ import annotations

from datetime import datetime

__all__ = ["epoch_seconds"]


def epoch_seconds(written: str) -> float:
    """Read an RFC 3339 timestamp; digits past microseconds are cut off. Go's zero time is 0.0.

    Raises ValueError for anything else, a timestamp without a zone included.
    """
    if written.startswith("0001-01-01T00:00:00"):
        return 0.0
    read = datetime.fromisoformat(written)
    if read.tzinfo is None:
        raise ValueError(f"timestamp without a zone: {written!r}")
    return read.timestamp()
