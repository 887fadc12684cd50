"""Where one contender's time goes, in this process; a profile stretches calls, so it only ranks."""

from __future__ import annotations

import cProfile
import os
import pstats
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.rounds import Contender
from benchmarks.worker import load

SHOWN = 30


def profile(contenders: Sequence[Contender], name: str, *, units: int) -> None:
    """Print the functions that cost one contender the most. Raises SystemExit for no such name."""
    found = {contender.name: contender for contender in contenders}
    if name not in found:
        raise SystemExit(f"no contender {name!r}; there are {', '.join(found)}")
    with tempfile.TemporaryDirectory(prefix="bench-profile-") as folder:
        os.environ.update(found[name].environment)
        if found[name].multiprocess:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        run = load(found[name].make, Path(folder))
        run(units // 10)
        profiler = cProfile.Profile()
        profiler.runcall(run, units)
        print(f"{name}: {units} units of work, by the time in each function itself")
        pstats.Stats(profiler).sort_stats("tottime").print_stats(SHOWN)
