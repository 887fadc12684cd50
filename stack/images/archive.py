"""Debian's packages for an image, with all that they need and the image below has not.

Design rule: packages come through this machine's own apt, which knows the archive, the proxy and
the keys, as `stack.tools.debian` has it; no container ever fetches anything.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from stack.tools.debian import PrivateApt, archive_uri, described, obstacle, write_source
from stack.tools.fetching import FetchFailed

__all__ = ["ESSENTIAL", "SUITE", "Archive"]

SUITE = "trixie"
"""Debian 13: PostgreSQL 17, Python 3.13, Java 21, and a C library for what is built for forky."""

ESSENTIAL = "?and(?essential,?not(?name(^apt$)))"
"""apt's own pattern for what a Debian always has. apt itself is of no use in a closed network."""


class Archive:
    """Debian's archive for one run: its lists are fetched with the first packages."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._apt: PrivateApt | None = None

    def fetch(self, packages: Sequence[str], into: Path, *, installed: str = "") -> list[str]:
        """Download packages `into` a new folder; return what each of those asked for is.

        `installed` is dpkg's status file of the image below. Raises FetchFailed or OSError.
        """
        apt = self._prepared()
        (apt.directory / "status").write_text(installed, encoding="utf-8")
        archives = apt.directory / "cache" / "archives"
        shutil.rmtree(archives, ignore_errors=True)
        apt.run("install", "--download-only", "--no-install-recommends", "--yes", *packages)
        into.mkdir()
        files = sorted(archives.glob("*.deb"))
        if not files:
            raise FetchFailed(f"Debian {SUITE} did not deliver {' '.join(packages)}")
        said = []
        for file in files:
            place = into / file.name
            shutil.copyfile(file, place)  # apt's own may be readable for nobody else
            if file.name.partition("_")[0] in packages:
                said.append(described(place, apt.directory, SUITE)[1])
        return said

    def _prepared(self) -> PrivateApt:
        if self._apt is None:
            if reason := obstacle():
                raise FetchFailed(reason)
            self._directory.mkdir(parents=True, exist_ok=True)
            source = write_source(self._directory, archive_uri(self._directory), SUITE)
            apt = PrivateApt(self._directory, source, SUITE)
            apt.run("update")
            self._apt = apt
        return self._apt
