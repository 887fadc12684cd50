"""Where an external engine is, as a run was told.

Design rule: plain data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from urllib.parse import urlsplit

from stack.clients.address import address
from stack.clients.server import Server
from stack.external.folder import Folder
from stack.ports import Fixed

__all__ = ["External", "place_of"]

_NOTHING: Mapping[str, str] = MappingProxyType({})
_DEFAULT_PORT = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Its servers, the folder that the engine reads, and what it is like.

    Attributes:
        prometheus: what answers queries and scrapes.
        rules: what evaluates rules and sends alerts; mostly the same.
        alertmanager: to what these are sent.
        name: what the engine is called, with its version where it tells one; "" for not known.
        folder: through which a run's files get in; `None`: the engine is only looked at.
        visible_after: how long after it was scraped a sample may be hidden from queries and rules:
            real time, which no time scale divides.
        writes_alerts: whether each evaluation's `ALERTS` are written at its very millisecond, and
            may be read at once. Only Prometheus is known to.
        lacks: what the engine can't give a drill, capability to reason.
    """

    prometheus: Server
    rules: Server
    alertmanager: Server
    name: str = ""
    folder: Folder | None = None
    visible_after: timedelta = timedelta(0)
    writes_alerts: bool = False
    lacks: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


def place_of(url: str) -> Fixed:
    """Return the address and port of a URL. Raises AddressError where it has none."""
    parts = urlsplit(address(url))
    return Fixed(str(parts.hostname), parts.port or _DEFAULT_PORT[parts.scheme])
