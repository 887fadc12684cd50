"""The container engine of this machine, or one line that says why there is none.

Design rule: it is asked once, before anything is started; who has no engine is told what to do.
"""

from __future__ import annotations

import functools
import os

import docker
from docker import DockerClient
from docker.errors import DockerException

from stack.launch.starting import LaunchError

__all__ = ["EngineMissing", "connect", "why_no_engine"]

TIMEOUT_SECONDS = 30
"""For one answer of the engine: on a busy machine a start takes a few seconds."""


class EngineMissing(LaunchError):
    """No engine answers: one line, with the remedy."""


def connect() -> DockerClient:
    """Return a client of the engine that the environment names, as the docker command does.

    Raises EngineMissing.
    """
    try:
        client = docker.from_env(timeout=TIMEOUT_SECONDS)
        client.ping()
    except DockerException as error:
        where = os.environ.get("DOCKER_HOST", "/var/run/docker.sock")
        reason = str(error).splitlines()[0][:160]
        raise EngineMissing(
            f"no container engine answers at {where} ({reason}); start it: systemctl start docker, "
            "or as root: dockerd; install it: apt-get install docker.io iptables"
        ) from None
    return client


@functools.cache
def why_no_engine() -> str:
    """Return why no engine can be used, or "" where one answers."""
    try:
        connect().close()
    except EngineMissing as error:
        return str(error)
    return ""
