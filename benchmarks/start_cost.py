"""What observing costs at start, and in each worker's memory afterwards.

    python -m benchmarks start

Time: fresh interpreters on one pinned core, in turns, make a Flask application alone and with
`instrument(app)`. Byte code is cached, as an installed service's is, whatever this environment
says of it. CPU time is shown beside the clock's, which a busy machine stretches.
Memory: gunicorn with two workers serves the bare and the instrumented application; each worker's
unique (USS) and proportional (PSS) size is read after 200 requests, and the larger rise is judged.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import psutil

from benchmarks.options import Options
from benchmarks.report import ROOT, Outcome, progress, publish
from benchmarks.rounds import idlest_core
from benchmarks.serving import CONFIGURATION, Refused, ask, served
from benchmarks.spread import Spread, differences, spread
from benchmarks.targets import Target

PAIRS = 21
START_LIMIT_MS = 60.0
WORKERS, REQUESTS = 2, 200
MEMORY_LIMIT_MB = 12.0
MEBIBYTE = 1024 * 1024
QUIET_RATIO = 1.2
"""Imports from warm caches wait for nothing, so that more wall than CPU time is others' work."""

_BARE = """
import time
began = time.perf_counter()
from flask import Flask
app = Flask("start", static_folder=None)
"""
_INSTRUMENTED = """
from instrumentation import instrument
instrument(app, log_file="app.log")
"""
_SAY = """
print((time.perf_counter() - began) * 1e3, time.process_time() * 1e3, flush=True)
import os
os._exit(0)
"""


def measure(options: Options) -> bool:
    """Run the benchmark; tell whether its targets are met."""
    bare, instrumented = start_times(options.rotations or PAIRS)
    rows: list[Sequence[str]] = []
    added = {}
    for kind in bare:
        more = added[kind] = spread(differences(instrumented[kind], bare[kind]))
        rows += [
            (f"import flask; Flask(), {kind}", *_cells(spread(bare[kind])), "ms"),
            (f"and instrument(app), {kind}", *_cells(spread(instrumented[kind])), "ms"),
            (f"added at start, {kind}", *_cells(more), "ms"),
        ]
    notes = []
    waited = spread(bare["wall"]).median / spread(bare["CPU"]).median
    if waited > QUIET_RATIO:
        notes.append(f"the machine was busy: wall is {waited:.1f} x CPU time; repeat when idle")
    try:
        memory = added_memory()
    except Refused as error:
        notes.append(f"memory a worker: left out, as {error}")
        memory = {}
    for kind, megabytes in memory.items():
        rows.append((f"added a worker, {kind}", f"{megabytes:.1f}", "", "MiB"))
    outcome = Outcome(
        name="start",
        title=f"{added['wall'].count} pairs of fresh interpreters; {REQUESTS} requests",
        columns=("what", "median", "quartiles", "unit"),
        rows=rows,
        targets=targets(added["wall"].median, memory),
        notes=notes,
        figures={
            "added_ms": {kind: asdict(more) for kind, more in added.items()},
            "added_memory_mb": memory,
        },
    )
    publish(outcome)
    return outcome.met


def targets(added_ms: float, added_mb: Mapping[str, float]) -> tuple[Target, Target]:
    """Judge what was added at start, and the larger rise of memory, where it was measured."""
    return (
        Target(what="added at start, ms", observed=added_ms, limit=START_LIMIT_MS),
        Target(
            what="added memory a worker, MiB",
            observed=max(added_mb.values(), default=None),
            limit=MEMORY_LIMIT_MB,
        ),
    )


def start_times(pairs: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return milliseconds without and with the instrumentation, in pairs that alternate."""
    bare: dict[str, list[float]] = {"wall": [], "CPU": []}
    instrumented: dict[str, list[float]] = {"wall": [], "CPU": []}
    core = idlest_core()
    both = [(_BARE, bare), (_BARE + _INSTRUMENTED, instrumented)]
    with tempfile.TemporaryDirectory(prefix="bench-start-") as folder, progress() as shown:
        task = shown.add_task("fresh interpreters", total=pairs)
        for script, _ in both:  # the first compiles, and fills the caches
            _milliseconds(script, Path(folder), core)
        for number in range(pairs):
            for script, taken in both if number % 2 else reversed(both):
                wall, cpu = _milliseconds(script, Path(folder), core)
                taken["wall"].append(wall)
                taken["CPU"].append(cpu)
            shown.advance(task)
    return bare, instrumented


def byte_code_in(folder: Path) -> dict[str, str]:
    """Return variables for interpreters that keep their byte code in `folder`."""
    return {"PYTHONPYCACHEPREFIX": str(folder / "byte-code"), "PYTHONDONTWRITEBYTECODE": ""}


def _milliseconds(script: str, folder: Path, core: int) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{core}}})\n{script}{_SAY}"],
        cwd=folder,
        env={**os.environ, **byte_code_in(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the interpreter to be timed failed:\n{done.stderr[-2000:]}")
    wall, cpu = done.stdout.split()
    return float(wall), float(cpu)


def added_memory() -> dict[str, float]:
    """Return MiB that each worker holds more, by way of counting. Raises Refused."""
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as name:
        folder = Path(name)
        bare = _memory("benchmarks.apps.small:bare()", (), folder)
        instrumented = _memory("benchmarks.apps.small:instrumented()", CONFIGURATION, folder)
    return {kind: spread(instrumented[kind]).median - spread(bare[kind]).median for kind in bare}


def _memory(app: str, configuration: Sequence[str], folder: Path) -> Mapping[str, list[float]]:
    environment = byte_code_in(folder)
    with served(app, workers=1, configuration=configuration, environment=environment):
        pass  # this one compiles
    with served(
        app, workers=WORKERS, configuration=configuration, environment=environment
    ) as server:
        for number in range(REQUESTS):
            ask(server.port, f"/api/items/{number}")
        sizes = [psutil.Process(pid).memory_full_info() for pid in server.workers()]
    return {
        "USS": [size.uss / MEBIBYTE for size in sizes],
        "PSS": [size.pss / MEBIBYTE for size in sizes],
    }


def _cells(one: Spread) -> tuple[str, str]:
    return f"{one.median:.1f}", f"{one.lower:.1f} .. {one.upper:.1f}"
