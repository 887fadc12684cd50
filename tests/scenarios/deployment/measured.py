"""How long the gate takes before a healthy deployment of real parts.

    python -m tests.scenarios.deployment.measured

starts a service, Prometheus, Alertmanager, Elasticsearch and what ships the service's log, runs the
gate some times, and prints how long each run took, from the start of its process to its end.
"""

# ruff: noqa: T201 - it speaks by printing

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from stack.tools import ToolSettings, find_tools
from tests.scenarios.deployment.house import a_house, gate, with_logs

RUNS = 5


def main() -> int:
    """Print each run's seconds and their median; 1 where a run was not PASS."""
    with (
        tempfile.TemporaryDirectory(prefix="alertproof-gate-") as folder,
        a_house(Path(folder), find_tools(ToolSettings.from_env(), print)) as house,
        with_logs(house) as elasticsearch,
    ):
        options = house.options(elasticsearch_url=elasticsearch)
        done = [gate(Path(folder), *options) for _ in range(RUNS)]
    print(" ".join(f"{one.seconds:.1f}" for one in done), "s")
    print(f"median {statistics.median(one.seconds for one in done):.1f} s")
    return max(one.status for one in done)


if __name__ == "__main__":
    sys.exit(main())
