"""Where a running stack is read, whichever launcher runs it: URLs and nothing else.

Design rule: every way to launch gives this one type, so that what reads a stack cannot tell
how it was started.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Endpoints"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Base URLs, without a trailing slash, of one Prometheus and the Alertmanager it notifies.

    `rules_url` is what evaluates the rules, where that is not Prometheus itself.
    """

    prometheus_url: str
    alertmanager_url: str
    rules_url: str = ""
