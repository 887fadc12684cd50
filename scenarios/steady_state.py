"""Whether clients are served as they should be, before anything is broken.

One rule: pure; what an unsteady state looks like is said in numbers that a person can act on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scenarios.load_sample import LoadSample

STEADY_SECONDS = 0.9
"""So long without an error, at the wanted rate, is a steady state: a second's samples, the last of
which may come early."""

STEADY_SAMPLES = 3
"""In so many samples at least: where a request comes in a second, that takes two."""

RATE_TOLERANCE = 0.35
"""How far the rate may be off the wanted one; two requests are always granted, one at either end
of the time that the samples span."""


def newest(samples: Sequence[LoadSample]) -> Sequence[LoadSample]:
    """Return the newest samples that tell a steady state; empty where all together are too few."""
    for number in range(STEADY_SAMPLES, len(samples) + 1):
        if samples[-1].at - samples[-number].at >= STEADY_SECONDS:
            return samples[-number:]
    return ()


def is_steady(samples: Sequence[LoadSample], wanted_per_second: float) -> bool:
    """Return whether clients were served without an error and at the wanted rate.

    Where few requests are wanted, the two that are granted would be most of them: then what could
    not be sent, because every client waited for its answer, tells of a rate that is not reached.
    """
    clean = all(status.startswith(("2", "3")) for sample in samples for status in sample.statuses)
    seconds, answers = _spanned(samples)
    wanted = wanted_per_second * seconds
    missed = sum(sample.missed for sample in samples)
    return (
        clean
        and seconds > 0
        and missed <= RATE_TOLERANCE * wanted
        and abs(answers - wanted) <= max(2.0, RATE_TOLERANCE * wanted)
    )


def served(samples: Sequence[LoadSample], wanted_per_second: float) -> str:
    """Return how clients were served, for a person: answers by status, and at what rate."""
    seconds, answers = _spanned(samples)
    if not seconds > 0:
        return f"the load told {len(samples)} of {STEADY_SAMPLES} samples"
    statuses: Counter[str] = Counter()
    for sample in samples:
        statuses.update(sample.statuses)
    told = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    rate = answers / seconds
    missed = sum(sample.missed for sample in samples)
    unsent = f", and {missed} could not be sent" if missed else ""
    return (
        f"clients got {told or 'no answer'}; {rate:.1f} a second of {wanted_per_second:g}{unsent}"
    )


def _spanned(samples: Sequence[LoadSample]) -> tuple[float, int]:
    """Return the seconds from the end of the first sample to that of the last, and its answers."""
    if not samples:
        return 0.0, 0
    return samples[-1].at - samples[0].at, sum(sample.count for sample in samples[1:])
