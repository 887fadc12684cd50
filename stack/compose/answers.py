"""The health check of what has no client in its image: `python -m stack.compose.answers ADDRESS`.

Design rule: an address of HTTP has to answer with success, one of TCP to accept; the exit status
says so, and a failure is one line, which `docker inspect` shows.
"""

from __future__ import annotations

import http.client
import socket
import sys
from urllib.parse import urlsplit

__all__ = ["answers", "main"]

_TIMEOUT_SECONDS = 4.0


def answers(address: str) -> str | None:
    """Return what is wrong with what answers at http://HOST:PORT/PATH or tcp://HOST:PORT."""
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or 80
    try:
        if parts.scheme == "tcp":
            socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS).close()
            return None
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", parts.path or "/")
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        return f"{address}: {error}"
    return None if 200 <= status < 300 else f"{address} answered {status}"


def main() -> int:
    """Ask the address of the command line."""
    if len(sys.argv) != 2:
        sys.stderr.write("expected one address: http://HOST:PORT/PATH or tcp://HOST:PORT\n")
        return 2
    wrong = answers(sys.argv[1])
    if wrong is not None:
        sys.stderr.write(f"{wrong}\n")
    return 0 if wrong is None else 1


if __name__ == "__main__":
    sys.exit(main())
