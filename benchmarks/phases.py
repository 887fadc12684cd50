"""How long a run's phases take, and how near each detection comes to its computed minimum.

Repeat with ``nox -s bench -- all``. One warm run of every drill; the figures come from the
evidence that the run itself writes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

ALLOWED_RATIO, ALLOWED_SECONDS = 1.2, 1.0
"""A detection is near its minimum within 20 % and one second."""


def measure(selection: str) -> bool:
    """Run the checks of ``selection`` (a ``-k`` expression, or empty for all) and print a table.

    Tell whether each drill was near its minimum.
    """
    with tempfile.TemporaryDirectory(prefix="alertproof-bench-") as folder:
        command = [sys.executable, "-m", "pytest", "checks", "-q", f"--reports={folder}"]
        begun = time.monotonic()
        done = subprocess.run(
            [*command, "-k", selection] if selection else command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        wall = time.monotonic() - begun
        if done.returncode != 0:
            sys.exit(f"the run failed, so there is nothing to measure:\n{done.stdout[-3000:]}")
        evidence = json.loads((Path(folder) / "evidence.json").read_text())
    return report(selection or "all", wall, evidence)


def report(name: str, wall_seconds: float, evidence: dict[str, Any]) -> bool:
    """Print where one run's time went; tell whether alerts were detected, and none of them late."""
    phases = "  ".join(f"{key} {value:.1f} s" for key, value in evidence["phases_seconds"].items())
    print(f"\n{name}: {wall_seconds:.1f} s from start to exit; {phases}")
    columns = ("crossing", "pending", "notifying", "detection", "minimum", "ratio")
    print(f"{'drill':<34}" + "".join(f"{column:>11}" for column in columns))
    met: list[bool] = []
    for drill, told in evidence["drills"].items():
        taken, least = told["measured_seconds"], told["bounds_seconds"]["minimum"]
        if taken["detection"] is None:
            print(f"{drill:<34}{'quiet':>11}")
            continue
        figures = [taken[column] for column in columns[:4]]
        near = taken["detection"] <= ALLOWED_RATIO * least + ALLOWED_SECONDS
        met.append(near)
        print(
            f"{drill:<34}"
            + "".join(f"{figure:>11.2f}" for figure in (*figures, least))
            + f"{taken['detection'] / least:>11.2f}"
            + ("" if near else "  above 1.2 x minimum + 1 s")
        )
    return bool(met) and all(met)
