"""The order in which tools are looked for.

Design rule: Prometheus comes with its own promtool and Alertmanager with its own amtool, from one
place and of one version; the two pairs are independent. PATH comes before the cache, the cache
before any fetch, and every place that did not serve is named when none did.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from stack.tools.cache import Installation, ToolCache
from stack.tools.debian import DebianSource
from stack.tools.fetching import FetchFailed, Report, Source
from stack.tools.golang import GoSource
from stack.tools.mirror import MirrorSource
from stack.tools.model import Tool, Tools, ToolsUnavailable
from stack.tools.namespace import TEMPLATES, in_namespace
from stack.tools.probe import Candidate, Damaged, Unusable, prove
from stack.tools.proofs import Proofs
from stack.tools.settings import ToolSettings

__all__ = ["find_tools"]

_PAIRS = (("prometheus", "promtool"), ("alertmanager", "amtool"))
_NAMES_ON_PATH = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}
_REMEDY = (
    "install Prometheus >= 3.0 and Alertmanager >= 0.28 on PATH,"
    " or set ALERTPROOF_MIRROR to a folder of upstream's release archives"
)


def find_tools(
    settings: ToolSettings, report: Report, *, sources: Sequence[Source] | None = None
) -> Tools:
    """Return the four tools, each proved to work here, fetching them once if need be.

    `report` is given a line for a person before anything that takes seconds. `sources` replaces
    the ways to fetch, in their order: Debian's archive, the mirror, a build with Go.
    Raises `ToolsUnavailable`.
    """
    if not sys.platform.startswith("linux"):
        raise ToolsUnavailable(f"the embedded stack runs on Linux, and this is {sys.platform}")
    if shutil.which("setpriv") is None:
        raise ToolsUnavailable("setpriv is not on PATH: install util-linux")
    if sources is None:
        mirror = MirrorSource(settings.mirror_url, settings.mirror_checksums)
        sources = (DebianSource(), mirror, GoSource())
    search = _Search(settings, sources, report)
    found = {tool.name: tool for pair in _PAIRS for tool in search.pair(pair)}
    return Tools(
        prometheus=found["prometheus"],
        promtool=found["promtool"],
        alertmanager=found["alertmanager"],
        amtool=found["amtool"],
    )


class _Search:
    """One look through all places, which remembers why each did not serve."""

    def __init__(self, settings: ToolSettings, sources: Sequence[Source], report: Report) -> None:
        self._search_path = settings.search_path
        self._cache = ToolCache(settings.cache_directory)
        self._proofs = Proofs(settings.cache_directory / "proofs.json")
        self._sources = sources
        self._report = report

    def pair(self, names: tuple[str, str]) -> list[Tool]:
        reasons: list[str] = []
        try:
            return self._from_path(names)
        except Unusable as unusable:
            reasons.append(str(unusable))
        serving = [source for source in self._sources if source.provides.issuperset(names)]
        refused: set[str] = set()
        for source in serving:
            installed = self._cache.load(source.installation)
            if installed is not None:
                try:
                    return self._from_cache(names, installed)
                except Damaged:
                    self._cache.discard(source.installation)
                except Unusable as unusable:
                    refused.add(source.installation)
                    reasons.append(str(unusable))
        for source in serving:
            if source.installation in refused:
                continue
            try:
                return self._fetched(names, source)
            except (Unusable, FetchFailed) as failed:
                reasons.append(str(failed))
            except OSError as error:
                reasons.append(f"the cache cannot be written: {error}")
        why = "; ".join(" ".join(reason.split()) for reason in reasons)
        raise ToolsUnavailable(f"no usable {' and '.join(names)}: {why}. What to do: {_REMEDY}")

    def _from_path(self, names: tuple[str, str]) -> list[Tool]:
        tools = []
        for name in names:
            path = self._on_path(name)
            tools.append(
                prove(
                    Candidate(
                        name=name, command=(str(path),), path=path, origin="PATH", source="PATH"
                    ),
                    self._proofs,
                )
            )
        return tools

    def _on_path(self, name: str) -> Path:
        for called in _NAMES_ON_PATH.get(name, (name,)):
            found = shutil.which(called, path=self._search_path)
            if found is not None:
                return Path(found).absolute()
        raise Unusable(f"{name} is not on PATH")

    def _from_cache(self, names: tuple[str, str], installed: Installation) -> list[Tool]:
        tools = []
        for name in names:
            program = installed.programs[name]
            path = installed.directory / program.path
            tools.append(
                prove(
                    Candidate(
                        name=name,
                        command=_command(name, path, installed),
                        path=path,
                        origin=installed.origin,
                        source=program.source,
                        expected_sha256=program.sha256,
                    ),
                    self._proofs,
                )
            )
        return tools

    def _fetched(self, names: tuple[str, str], source: Source) -> list[Tool]:
        obstacle = source.obstacle()
        if obstacle is not None:
            raise FetchFailed(obstacle)
        make = source.fetch
        report = self._report
        installed = self._cache.install(
            source.installation, lambda directory: make(directory, report), report
        )
        return self._from_cache(names, installed)


def _command(name: str, path: Path, installed: Installation) -> tuple[str, ...]:
    """Debian's Alertmanager and amtool read templates below /usr/share; nothing else does."""
    carries_templates = (installed.directory / TEMPLATES.relative_to("/")).is_file()
    if name in ("alertmanager", "amtool") and carries_templates and not TEMPLATES.exists():
        return in_namespace(installed.directory, path)
    return (str(path),)
