"""Whom load may be sent to.

One rule: this machine alone, unless whoever starts it says that the host is theirs.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

OWNED = "--i-own-this-host"


def refusal(host: str, *, owned: bool) -> str | None:
    """Why no load may be sent to a URL, in one line; ``None`` where it may.

    A name counts as this machine if every address that it has is a loopback one.
    """
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"--host {host!r}: expected an address like http://127.0.0.1:8000"
    if owned:
        return None
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(parts.hostname, None)}
    except OSError as error:
        return f"--host {host}: {parts.hostname} has no address: {error.strerror or error}"
    outside = sorted(
        str(one)
        for one in found
        if not ipaddress.ip_address(str(one).partition("%")[0]).is_loopback
    )
    if outside:
        return (
            f"--host {host} is another machine ({', '.join(outside)}), which this load could take "
            f"down; if it is yours to load, say so with {OWNED}"
        )
    return None
