"""What a person is told while something goes on: whole lines, or a drill's phases.

One rule: whoever does something is given whom to tell, and never prints.
"""

from __future__ import annotations

from collections.abc import Callable

SayLine = Callable[[str], None]

SayPhase = Callable[[str, float], None]
"""Told of a phase and its bound in seconds, 0.0 where it has none."""


def line_to_nobody(_line: str) -> None:
    """Drop a line."""


def phase_to_nobody(_phase: str, _limit_seconds: float) -> None:
    """Drop a phase."""
