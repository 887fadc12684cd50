"""Where tools may come from: the environment, read once.

Design rule: no other module of this package reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

__all__ = ["ToolSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSettings:
    """What decides where tools are looked for.

    `search_path` has the form of PATH. `mirror_url` is a folder of upstream's release archives
    (http, https or file), and `mirror_checksums` a file in the format of upstream's
    sha256sums.txt that lists them, beside the checksums that this repository knows.
    """

    search_path: str
    cache_directory: Path
    mirror_url: str | None = None
    mirror_checksums: Path | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read PATH, ALERTPROOF_CACHE, XDG_CACHE_HOME, HOME and ALERTPROOF_MIRROR[_CHECKSUMS].

        An empty variable counts as absent.
        """
        given = {key: value for key, value in (environ or os.environ).items() if value}
        if "ALERTPROOF_CACHE" in given:
            cache = Path(given["ALERTPROOF_CACHE"])
        else:
            home = given.get("HOME")
            default = (Path(home) if home else Path.home()) / ".cache"
            cache = Path(given.get("XDG_CACHE_HOME", default)) / "alertproof"
        checksums = given.get("ALERTPROOF_MIRROR_CHECKSUMS")
        return cls(
            search_path=given.get("PATH", os.defpath),
            cache_directory=cache.absolute(),
            mirror_url=given.get("ALERTPROOF_MIRROR"),
            mirror_checksums=Path(checksums) if checksums else None,
        )
