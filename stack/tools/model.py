"""What is known of a tool: how to run it, and what exactly it is.

Design rule: the evidence of a run names every binary by version and checksum, so that these
travel with the command and are never looked up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Origin", "Tool", "Tools", "ToolsUnavailable"]

Origin = Literal["PATH", "cache", "mirror"]


class ToolsUnavailable(RuntimeError):
    """No usable Prometheus or Alertmanager can be had: one line that says what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One program.

    `command` is the beginning of its argument list: usually the path alone, but Debian's
    Alertmanager may need a mount namespace around it. `origin` tells how it came here: found on
    PATH, from the cache (fetched from Debian's archive or built), or from the mirror's release
    archive; `source` says it in full, as "Debian package prometheus 3.5.3+ds1-6 (forky, amd64)".
    """

    name: str
    command: tuple[str, ...]
    path: Path
    version: str
    sha256: str
    origin: Origin
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The four programs that an embedded stack needs."""

    prometheus: Tool
    promtool: Tool
    alertmanager: Tool
    amtool: Tool

    def each(self) -> tuple[Tool, ...]:
        """Return the four, for evidence that lists them."""
        return (self.prometheus, self.promtool, self.alertmanager, self.amtool)
