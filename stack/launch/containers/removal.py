"""Removes whatever of the engine carries a label: containers first, then networks and volumes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from docker import DockerClient
from docker.errors import APIError, NotFound

from stack.processes import Processes

__all__ = ["remove_all", "start_reaper"]

AT_ONCE = 8


def remove_all(client: DockerClient, label: str) -> None:
    """Remove everything that carries `label`, as NAME=VALUE.

    Raises docker.errors.APIError for what is there and can't be removed.
    """
    filters = {"label": label}

    def remove(container: str) -> None:
        with contextlib.suppress(NotFound):
            try:
                client.api.remove_container(container, force=True, v=True)
            except APIError as error:
                if "already in progress" not in str(error):
                    raise

    found = [one["Id"] for one in client.api.containers(all=True, filters=filters)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(remove, found))
    for network in client.networks.list(filters=filters):
        with contextlib.suppress(NotFound):
            network.remove()
    for volume in client.volumes.list(filters=filters):
        with contextlib.suppress(NotFound):
            volume.remove(force=True)


def start_reaper(processes: Processes, label: str) -> None:
    """Start what removes all that carries `label`, as NAME=VALUE, once this process is gone.

    Where the run ends in order it is ended with `processes`, and removes nothing.
    """
    processes.start(
        f"reaper-{label}",
        [sys.executable, "-m", "stack.launch.containers.reaper", label],
        log=None,
        stdin=subprocess.PIPE,
        outlives=True,
    )
