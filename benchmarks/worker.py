"""One contender in a process of its own, which is told "run n" over a pipe and answers the time.

The time includes what the round left to do: log handlers are flushed and span processors emptied
before the clock is read, so that work in a background thread is nobody's present.

    python -m benchmarks.worker MODULE:FUNCTION FOLDER CORE

FUNCTION is called with FOLDER, and returns what runs n units of work.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

Run = Callable[[int], None]


def load(name: str, folder: Path) -> Run:
    """Make the contender `MODULE:FUNCTION`."""
    module, _, function = name.partition(":")
    made: Run = getattr(importlib.import_module(module), function)(folder)
    return made


def timed(run: Run, count: int) -> tuple[int, int]:
    """Run `count` units; return nanoseconds of wall clock, and of CPU of all threads."""
    gc.collect()
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    run(count)
    return time.perf_counter_ns() - wall, time.process_time_ns() - cpu


def answer(run: Run, orders: TextIO, answers: TextIO) -> None:
    """Answer each order, a count on a line, with wall and CPU time; end with the orders."""
    for order in orders:
        wall, cpu = timed(run, int(order))
        print(wall, cpu, file=answers, flush=True)


def main() -> None:
    """Become the contender; its own output goes to standard error, as the pipe is for answers."""
    name, folder, core = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.sched_setaffinity(0, {int(core)})
    try:
        run = load(name, Path(folder))
    except Exception as error:  # noqa: BLE001  # whatever it is, the other side must be told
        text = str(error).splitlines() or [""]
        print(f"refused {type(error).__name__}: {text[0]}", file=answers, flush=True)
        return
    print("ready", file=answers, flush=True)
    answer(run, sys.stdin, answers)


if __name__ == "__main__":
    main()
