"""Maven, which fetches Java libraries from where this machine's Maven is told to.

Design rule: Maven is asked by the names of artifacts only; which server has them, through which
mirror and with which credentials, is in the machine's own settings.xml.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from stack.tools.debian_java import unpacked_java
from stack.tools.fetching import FetchFailed, Report, run
from stack.tools.model import ToolsUnavailable
from stack.tools.settings import ToolSettings

__all__ = ["copy_artifacts", "copy_command", "find_maven"]

_LOG = "maven.log"
_ERROR = "[ERROR] "
_REMEDY = "install Maven (apt-get install maven)"


def find_maven(settings: ToolSettings, report: Report) -> tuple[str, ...]:
    """Return the beginning of Maven's command: from PATH, the cache, or Debian's archive.

    Raises `ToolsUnavailable`.
    """
    on_path = shutil.which("mvn", path=settings.search_path)
    if on_path is not None:
        return (str(Path(on_path).absolute()),)
    try:
        return unpacked_java(settings.cache_directory, report).maven
    except (FetchFailed, OSError) as failed:
        raise ToolsUnavailable(
            f"no usable Maven: mvn is not on PATH; {failed}. What to do: {_REMEDY}"
        ) from failed


def copy_artifacts(
    maven: tuple[str, ...], pom: Path, into: Path, properties: Mapping[str, str]
) -> None:
    """Copy the artifacts that `pom` names, and what they need, as jars into the folder `into`.

    Raises `FetchFailed` with Maven's line that tells the cause; an artifact whose checksum is not
    the published one is such a cause.
    """
    into.mkdir(parents=True, exist_ok=True)
    log = into / _LOG
    try:
        run(copy_command(maven, pom, into, properties), directory=into)
    except FetchFailed as failed:
        raise FetchFailed(f"Maven failed: {_cause(log) or failed}") from failed


def copy_command(
    maven: tuple[str, ...], pom: Path, into: Path, properties: Mapping[str, str]
) -> list[str]:
    """Return the argument list of `copy_artifacts`."""
    return [
        *maven,
        "--batch-mode",
        "--quiet",
        "--strict-checksums",
        "--update-snapshots",  # ask again for what could not be had before
        f"--log-file={into / _LOG}",  # it tells its errors on standard output
        f"--file={pom}",
        "dependency:copy-dependencies",
        f"-DoutputDirectory={into}",
        *(f"-D{name}={value}" for name, value in properties.items()),
    ]


def _cause(log: Path) -> str | None:
    """Return the first error of Maven's log: those after it are advice."""
    if not log.is_file():
        return None
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)), None)
