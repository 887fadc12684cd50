"""A Java that is new enough for Elasticsearch: found on PATH, or unpacked once without root.

Design rule: a Java is believed when it said its version here; one that is too old is named, and
the search goes on.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack.tools.debian_java import unpacked_java
from stack.tools.fetching import FetchFailed, Report
from stack.tools.model import ToolsUnavailable
from stack.tools.settings import ToolSettings

__all__ = ["MINIMUM_JAVA", "Java", "find_java", "java_version"]

MINIMUM_JAVA = 17
"""What Elasticsearch 8 is compiled for; the `java.version` of its plugins' descriptors says so."""

_VERSION = re.compile(r'version "(?P<full>(?P<major>\d+)[^"]*)"')
_VERSION_TIMEOUT_SECONDS = 20.0
_REMEDY = f"install Java >= {MINIMUM_JAVA} (apt-get install default-jre-headless)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java runtime; a compiler is not asked for.

    Attributes:
        command: the beginning of its argument list.
        version: as it says, "17.0.15".
        source: where it comes from, for the evidence.
    """

    command: tuple[str, ...]
    version: str
    source: str


def find_java(settings: ToolSettings, report: Report) -> Java:
    """Return Java from PATH, from the cache, or fetched once from Debian's archive.

    Raises `ToolsUnavailable`.
    """
    reasons = []
    on_path = shutil.which("java", path=settings.search_path)
    if on_path is None:
        reasons.append("java is not on PATH")
    else:
        program = Path(on_path).absolute()
        try:
            return Java(command=(str(program),), version=java_version(program), source="PATH")
        except FetchFailed as unusable:
            reasons.append(str(unusable))
    try:
        unpacked = unpacked_java(settings.cache_directory, report)
        version = java_version(unpacked.java)
        return Java(command=(str(unpacked.java),), version=version, source=unpacked.source)
    except (FetchFailed, OSError) as failed:
        reasons.append(str(failed))
    raise ToolsUnavailable(f"no usable Java: {'; '.join(reasons)}. What to do: {_REMEDY}")


def java_version(program: Path) -> str:
    """Return the version that `program` says it has.

    Raises `FetchFailed` if it is none, does not run here, or is older than `MINIMUM_JAVA`.
    """
    try:
        asked = subprocess.run(
            [str(program), "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchFailed(f"{program} does not run here: {error}") from error
    told = _VERSION.search(asked.stderr)
    if asked.returncode != 0 or told is None:
        first = (asked.stderr.strip().splitlines() or ["nothing"])[0]
        raise FetchFailed(f"{program} is no Java: -version printed {first[:120]!r}")
    if int(told["major"]) < MINIMUM_JAVA:
        raise FetchFailed(f"{program} is Java {told['full']}, needed >= {MINIMUM_JAVA}")
    return told["full"]
