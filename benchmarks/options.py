"""What the command line may ask of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`rotations` and `profile` are for those benchmarks that know them; None is their default."""

    rotations: int | None = None
    profile: str | None = None
