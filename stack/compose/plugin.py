"""Docker Compose where Docker's client has none: Debian's package of it, in the tool cache.

Design rule: Docker's own plugin comes first, as its owner keeps it up to date; the one that is
fetched runs from the cache by its path, and nothing is written where Docker looks for plugins.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from stack.compose.failure import StackFailure
from stack.tools.cache import Installation, ToolCache, write_manifest
from stack.tools.debian import (
    SUITE,
    PrivateApt,
    archive_uri,
    described,
    obstacle,
    write_source,
)
from stack.tools.fetching import FetchFailed, Report, run
from stack.tools.settings import ToolSettings

__all__ = ["OLDEST", "find_compose"]

OLDEST = (2, 20)
"""Compose that waits with a time-out (`--wait-timeout`), and for one-shot services."""

_ENGINE = "https://docs.docker.com/engine/install/"
_PLUGIN = "https://docs.docker.com/compose/install/linux/"
_PACKAGE = "docker-compose"
_UNPACKED = Path("usr/libexec/docker/cli-plugins/docker-compose")
_DOCKERS_OWN = ("docker", "compose")


def find_compose(settings: ToolSettings, report: Report) -> tuple[str, ...]:
    """Return the words that `docker compose` is started with, fetched once where there is none.

    Raises StackFailure, with the remedy.
    """
    if shutil.which("docker") is None:
        raise StackFailure(f"docker is not on PATH; install Docker Engine: {_ENGINE}")
    lack = _lack(_DOCKERS_OWN)
    if lack is None:
        return _DOCKERS_OWN
    cache = ToolCache(settings.cache_directory)
    name = f"{_PACKAGE}-{SUITE}-{platform.machine()}"
    try:
        installed = cache.load(name)
        if installed is None:
            if reason := obstacle():
                raise FetchFailed(reason)
            installed = cache.install(name, lambda into: _fetch(into, report), report)
    except (FetchFailed, OSError) as error:
        raise StackFailure(
            f"{lack}, and none can be fetched ({error}); install the plugin: {_PLUGIN}"
        ) from error
    command = (str(_program(installed)),)
    if wrong := _lack(command):
        raise StackFailure(f"{lack}; {command[0]}: {wrong}; install the plugin: {_PLUGIN}")
    return command


def _lack(command: Sequence[str]) -> str | None:
    """Return what a Compose lacks, or None for one that serves."""
    try:
        done = subprocess.run(
            [*command, "version", "--short"],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "COMPOSE_ANSI": "never"},
        )
    except OSError as error:
        return str(error.strerror)
    found = re.match(r"v?(\d+)\.(\d+)", done.stdout)
    if done.returncode != 0 or found is None:
        return "docker has no Compose"
    if (int(found[1]), int(found[2])) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        return f"Docker Compose is {done.stdout.strip()}, and {wanted} or newer is needed"
    return None


def _program(installed: Installation) -> Path:
    return installed.directory / installed.programs[_PACKAGE].path


def _fetch(directory: Path, report: Report) -> None:
    report(f"fetching Docker Compose from Debian {SUITE}, once, without root")
    work = directory / "work"
    downloads = work / "downloads"
    downloads.mkdir(parents=True)
    apt = PrivateApt(work, write_source(work, archive_uri(work)))
    apt.run("update")
    apt.run("download", _PACKAGE, into=downloads)
    packages = list(downloads.glob("*.deb"))
    if len(packages) != 1:
        raise FetchFailed(f"Debian {SUITE} did not deliver {_PACKAGE}")
    run(["dpkg-deb", "-x", str(packages[0]), str(work / "root")], directory=work)
    source = described(packages[0], work)[1]
    if not (work / "root" / _UNPACKED).is_file():
        raise FetchFailed(f"{source} holds no {_UNPACKED}")
    (work / "root" / _UNPACKED).rename(directory / _PACKAGE)
    shutil.rmtree(work)
    write_manifest(directory, origin="cache", programs={_PACKAGE: (_PACKAGE, source)})
