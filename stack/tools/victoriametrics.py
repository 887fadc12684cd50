"""VictoriaMetrics and vmalert: on PATH, from the cache, or fetched once from Debian's archive.

Design rule: a program serves if its own help knows every flag that it will be started with; as
Debian's tells no version of itself, nothing is compared with one.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from stack.tools.cache import Installation, ToolCache, write_manifest
from stack.tools.debian import SUITE, obstacle, unpack_package
from stack.tools.fetching import FetchFailed, Report
from stack.tools.model import Origin, Tool, ToolsUnavailable
from stack.tools.settings import ToolSettings

__all__ = ["NEEDED_FLAGS", "VictoriaMetrics", "find_victoriametrics", "flags_lacking"]

NEEDED_FLAGS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "victoria-metrics": frozenset(
            {
                "-search.latencyOffset",
                "-storage.cacheSizeIndexDBTagFilters",
                "-promscrape.config.strictParse",
                "-promscrape.fileSDCheckInterval",
            }
        ),
        "vmalert": frozenset(
            {
                "-rule.evalDelay",
                "-rule.resendDelay",
                "-group.maxStartDelay",
                "-datasource.queryStep",
                "-disableAlertgroupLabel",
            }
        ),
    }
)
"""What a drill can't do without."""

_PACKAGE = "victoria-metrics"
_UPSTREAM = "-prod"
"""What upstream's release archives append to their programs' names."""

_HELP_TIMEOUT_SECONDS = 20.0
_REMEDY = f"put {' and '.join(NEEDED_FLAGS)} (or {_UPSTREAM} of each) on PATH"


@dataclass(frozen=True, slots=True, kw_only=True)
class VictoriaMetrics:
    """The two programs: one keeps and answers, the other evaluates rules and sends alerts."""

    storage: Tool
    alerting: Tool


def find_victoriametrics(settings: ToolSettings, report: Report) -> VictoriaMetrics:
    """Return both, of one place. `report` is given a line before anything that takes seconds.

    Raises `ToolsUnavailable`.
    """
    reasons: list[str] = []
    for look in (_on_path, _cached):
        try:
            found = look(settings, report)
        except (FetchFailed, OSError, subprocess.SubprocessError) as error:
            reasons.append(" ".join(str(error).split()))
        else:
            return VictoriaMetrics(storage=found["victoria-metrics"], alerting=found["vmalert"])
    raise ToolsUnavailable(f"no VictoriaMetrics: {'; '.join(reasons)}. What to do: {_REMEDY}")


def flags_lacking(help_text: str, needed: Collection[str]) -> list[str]:
    """Return those of the needed flags that a program's help does not name."""
    known = {line.split()[0] for line in help_text.splitlines() if line.strip().startswith("-")}
    return sorted(set(needed) - known)


def _on_path(settings: ToolSettings, _report: Report) -> dict[str, Tool]:
    tools = {}
    for name in NEEDED_FLAGS:
        called = (name, name + _UPSTREAM)
        paths = [shutil.which(each, path=settings.search_path) for each in called]
        path = next((path for path in paths if path), None)
        if path is None:
            raise FetchFailed(f"{name} is not on PATH")
        tools[name] = _proved(name, Path(path).absolute(), origin="PATH", source="PATH")
    return tools


def _cached(settings: ToolSettings, report: Report) -> dict[str, Tool]:
    cache = ToolCache(settings.cache_directory)
    name = f"victoriametrics-{SUITE}-{platform.machine()}"
    installed = cache.load(name)
    if installed is None:
        if reason := obstacle():
            raise FetchFailed(reason)
        installed = cache.install(name, lambda directory: _fetch(directory, report), report)
    return _of(installed)


def _of(installed: Installation) -> dict[str, Tool]:
    return {
        name: _proved(
            name, installed.directory / one.path, origin=installed.origin, source=one.source
        )
        for name, one in installed.programs.items()
    }


def _fetch(directory: Path, report: Report) -> None:
    report(f"fetching VictoriaMetrics and vmalert from Debian {SUITE}, once, without root")
    work = directory / "work"
    root, source = unpack_package(_PACKAGE, work)
    for name in NEEDED_FLAGS:
        (root / "usr" / "bin" / name).rename(directory / name)
    shutil.rmtree(work)
    programs = {name: (name, source) for name in NEEDED_FLAGS}
    write_manifest(directory, origin="cache", programs=programs)


def _proved(name: str, path: Path, *, origin: Origin, source: str) -> Tool:
    asked = subprocess.run(
        [str(path), "--help"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_HELP_TIMEOUT_SECONDS,
        check=False,
    )
    lacking = flags_lacking(asked.stdout.decode(errors="replace"), NEEDED_FLAGS[name])
    if lacking:
        raise FetchFailed(f"{path} does not know {', '.join(lacking)}: it is too old, or no {name}")
    with path.open("rb") as binary:
        sha256 = hashlib.file_digest(binary, "sha256").hexdigest()
    return Tool(
        name=name,
        command=(str(path),),
        path=path,
        version="",
        sha256=sha256,
        origin=origin,
        source=source,
    )
