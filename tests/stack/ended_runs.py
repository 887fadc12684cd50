"""A run of another process that is ended from outside, and what it had made of the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from stack.launch.containers import connect
from stack.launch.containers.group import CONTROL_GROUPS
from stack.launch.containers.premises import LABEL
from stack.waiting import wait_until

ROOT = Path(__file__).parents[2]
GONE_SECONDS = 30.0


def end_run(source: str, directory: Path, number: int) -> list[str]:
    """Run `source` in `directory`, and send it a signal once it has printed its run's name.

    Returns what the run had made until then. Raises `WaitTimeout` where something of it is left.
    """
    owner = subprocess.Popen(
        [sys.executable, "-c", source, str(directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    try:
        assert owner.stdout is not None
        label = f"{LABEL}={owner.stdout.readline().strip()}"
        made = _of_run(label)
        os.kill(owner.pid, number)
        owner.wait(60)
    finally:
        owner.kill()
    wait_until(
        lambda: not _of_run(label) and not _groups_of_run(label),
        what="containers, network, volumes and control groups to be gone",
        timeout_seconds=GONE_SECONDS,
        interval_seconds=0.2,
    )
    return made


def _groups_of_run(label: str) -> list[Path]:
    named = f"alertproof-{label.partition('=')[2]}*"
    return [*CONTROL_GROUPS.glob(named), *CONTROL_GROUPS.glob(f"*/{named}")]


def _of_run(label: str) -> list[str]:
    client = connect()
    try:
        filters = {"label": label}
        return [
            *(str(one.name) for one in client.containers.list(all=True, filters=filters)),
            *(str(one.name) for one in client.networks.list(filters=filters)),
            *(str(one.name) for one in client.volumes.list(filters=filters)),
        ]
    finally:
        client.close()
