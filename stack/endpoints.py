"""Where a running stack is read, whichever launcher runs it: its servers and nothing else.

Design rule: every way to launch gives this one type, so that what reads a stack cannot tell
how it was started.
"""

from __future__ import annotations

from dataclasses import dataclass

from stack.clients.server import Server

__all__ = ["Endpoints"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """One Prometheus and the Alertmanager it notifies.

    `rules` is what evaluates the rules, where that is not Prometheus itself.
    """

    prometheus: Server
    alertmanager: Server
    rules: Server | None = None

    @property
    def prometheus_url(self) -> str:
        """Where a person finds Prometheus."""
        return self.prometheus.url

    @property
    def alertmanager_url(self) -> str:
        """Where a person finds Alertmanager."""
        return self.alertmanager.url
