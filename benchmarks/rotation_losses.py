"""Whether records are lost or torn where eight processes log to one file that rotates each second.

    python -m benchmarks rotation

Every record names its process and its number, and all files are read in the end. Beside ours stand
concurrent-log-handler, and the standard library's handler, to show that the question is not idle.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.options import Options
from benchmarks.report import ROOT, Outcome, progress, publish
from benchmarks.targets import Target

PROCESSES, RECORDS, SECONDS = 8, 200_000, 20.0
NAMES = {
    "ours": "configure_logging's handler, a period of one second",
    "library": "concurrent-log-handler, which locks and writes once a record",
    "standard": "TimedRotatingFileHandler, which knows of no other process",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the files hold in the end; `twice` are records that stand in them more than once."""

    files: int
    lost: int
    torn: int
    twice: int


def measure(_options: Options) -> bool:
    """Run the benchmark; tell whether its targets are met."""
    found: dict[str, Found] = {}
    seconds: dict[str, float] = {}
    with progress() as shown:
        task = shown.add_task("logging and rotating", total=len(NAMES))
        for name in NAMES:
            with tempfile.TemporaryDirectory(prefix="bench-rotation-") as folder:
                began = time.monotonic()
                log(name, Path(folder) / "app.log")
                seconds[name] = time.monotonic() - began
                found[name] = read(Path(folder), processes=PROCESSES, records=RECORDS)
            shown.advance(task)
    ours = found["ours"]
    outcome = Outcome(
        name="rotation",
        title=f"{RECORDS:,} records of {PROCESSES} processes, a rotation each second",
        columns=("handler", "seconds", "files", "lost", "torn", "twice"),
        rows=[
            (
                name,
                f"{seconds[name]:.1f}",
                *(f"{figure:,}" for figure in (one.files, one.lost, one.torn, one.twice)),
            )
            for name, one in found.items()
        ],
        targets=[
            Target(what=f"records {what}", observed=float(figure), limit=0.0)
            for what, figure in (("lost", ours.lost), ("torn", ours.torn), ("twice", ours.twice))
        ],
        notes=[f"{name}: {says}" for name, says in NAMES.items()],
        figures={"found": {name: asdict(one) for name, one in found.items()}},
    )
    publish(outcome)
    return outcome.met


def log(way: str, path: Path) -> None:
    """Have all processes log to `path`. Raises RuntimeError when one of them fails."""
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.apps.rotating", way, str(path)),
                *(str(number), str(RECORDS // PROCESSES), str(SECONDS)),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.DEVNULL if way == "standard" else None,  # it complains as it loses
        )
        for number in range(PROCESSES)
    ]
    if failed := [one.args for one in processes if one.wait() != 0]:
        raise RuntimeError(f"{failed[0]!r} failed; its error is above")


def read(folder: Path, *, processes: int, records: int) -> Found:
    """Count what stands in the files below `folder`, each line against what was logged."""
    expected = {
        f"{process} {number}"
        for process in range(processes)
        for number in range(records // processes)
    }
    seen: set[str] = set()
    torn = twice = files = 0
    for path in sorted(folder.glob("app.log*")):
        files += 1
        for line in path.read_bytes().splitlines():
            try:
                message = json.loads(line)["message"]
            except (ValueError, KeyError, TypeError):
                torn += 1
                continue
            if message not in expected:
                torn += 1
            elif message in seen:
                twice += 1
            seen.add(message)
    return Found(files=files, lost=len(expected - seen), torn=torn, twice=twice)
