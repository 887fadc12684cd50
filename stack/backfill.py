"""A past that nobody waited for is written as blocks of Prometheus' own, by its own tool.

A rule over days can't be drilled from an empty database: its average would be that of the fault
alone. `promtool tsdb create-blocks-from openmetrics` makes the blocks; Prometheus takes them up
when it starts on the folder.
"""

from __future__ import annotations

import math
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from stack.selectors import quoted

__all__ = ["BackfillError", "PastSeries", "backfill"]

TIMEOUT_SECONDS = 120.0
"""Patience with promtool. A million samples took 8 s on two busy cores; this only ends a hang."""


class BackfillError(RuntimeError):
    """The blocks could not be made; the message says what promtool said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSeries:
    """One series of the past: `value` at its start, growing by `per_second` (0: it stays).

    Attributes:
        name: of a metric or of a recorded series.
        labels: exactly those that the live series will have, else they are two series.
        value: the value of the first sample.
        per_second: how fast a counter grows.
    """

    name: str
    labels: Mapping[str, str]
    value: float
    per_second: float = 0.0


def backfill(
    promtool: Sequence[str],
    series: Iterable[PastSeries],
    *,
    data: Path,
    start: datetime,
    end: datetime,
    step: timedelta,
) -> int:
    """Write a sample of each of `series` every `step` from `start` to before `end` into `data`.

    `data` is the folder that Prometheus will be started on (`--storage.tsdb.path`); it must not
    run yet. `end` must not lie in the future: Prometheus refuses samples older than its newest
    block. Returns how many samples were written. Raises BackfillError.
    """
    series = tuple(series)
    count = math.ceil((end - start) / step)
    if count <= 0 or not series:
        raise BackfillError(
            f"nothing to write: {len(series)} series from {start} to {end} every {step}; "
            "give at least one series, and an end after the start"
        )
    data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="backfill-") as folder:
        text = Path(folder, "past.om")
        with text.open("w", encoding="utf-8") as file:
            file.writelines(_exposition(series, start, count, step))
        command = [
            *promtool,
            *("tsdb", "create-blocks-from", "openmetrics", "--quiet", str(text), str(data)),
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BackfillError(f"could not run {' '.join(command)}: {error}") from error
    if done.returncode != 0:
        raise BackfillError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return count * len(series)


def _exposition(
    series: Sequence[PastSeries], start: datetime, count: int, step: timedelta
) -> Iterator[str]:
    """Yield the samples in OpenMetrics' text format: a series at a time, oldest first."""
    first, apart = start.timestamp(), step.total_seconds()
    for each in series:
        labels = ",".join(f"{name}={quoted(text)}" for name, text in each.labels.items())
        for number in range(count):
            after = number * apart
            yield (
                f"{each.name}{{{labels}}} {each.value + each.per_second * after!r} "
                f"{first + after:.3f}\n"
            )
    yield "# EOF\n"
