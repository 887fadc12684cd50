"""Where an alert's panel is: an address that depends on the alert's name and on nothing else.

Design rule: rules may be moved, added and removed, and every link in an old notification still
leads to its panel.
"""

from __future__ import annotations

from zlib import crc32

__all__ = ["ALERTS_UID", "panel_id", "panel_link", "panel_path"]

ALERTS_UID = "softfactory-alerts"


def panel_id(name: str) -> int:
    """Return the id of the panel of the alert (or the row) called `name`.

    The CRC-32 of the name without its highest bit, as some of Grafana's stores hold 32 bits with a
    sign. That two names share one is found by a test.
    """
    return crc32(name.encode()) & 0x7FFF_FFFF


def panel_path(alert: str) -> str:
    """Return the path, below Grafana's own address, of the panel of `alert` alone."""
    return f"/d/{ALERTS_UID}?viewPanel={panel_id(alert)}"


def panel_link(alert: str, service: str) -> str:
    """Return that path with `service` chosen there: what a rule has as its `dashboard_url`.

    A rule's `service` is its label of this name, templates and all.
    """
    return f"{panel_path(alert)}&var-service={service}"
