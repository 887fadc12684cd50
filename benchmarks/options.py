"""What the command line may ask of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Each is for those benchmarks that know it; None is their default."""

    rotations: int | None = None
    requests: int | None = None
    profile: str | None = None
