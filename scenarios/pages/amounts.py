"""Numbers as a person reads them: with their unit, and no more digits than say something.

One rule: pure; the unit is the word in which a threshold's name ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"
"""As wide as a plus and as a digit, so that numbers stand in columns."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def amount(value: float, unit: str) -> str:
    """Return a measured value with its unit; a unit that is not known is left out."""
    return _UNITS.get(unit, plain)(value)


def plain(value: float) -> str:
    """Return a number to three digits, with k, M or G for what is large."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.3g}{letter}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def duration(value: float) -> str:
    """Return seconds as the largest unit of time that they fill."""
    for size, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if abs(value) >= 2 * size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g} s"


def clock(value: float) -> str:
    """Return how long something took, in minutes and seconds where it was minutes."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def seconds(value: float | None) -> str:
    """Return a measured time to a tenth of a second, as bounds are; a dash for none."""
    return DASH if value is None else f"{value:.1f} s"


def since(value: float) -> str:
    """Return how long after, or before, the injection something happened."""
    return f"{value:+.1f} s".replace("-", MINUS) if round(value, 1) else "0.0 s"


def percent(ratio: float) -> str:
    """Return a ratio in percent, to three digits."""
    return f"{ratio * 100:.3g}%"


_UNITS: Mapping[str, Callable[[float], str]] = {
    "milliseconds": lambda value: f"{plain(value)} ms",
    "per_second": lambda value: f"{plain(value)}/s",
    "requests_per_second": lambda value: f"{plain(value)}/s",
    "percent": lambda value: f"{plain(value)}%",
    "ratio": percent,
    "seconds": duration,
}
