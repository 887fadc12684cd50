"""Serves played series to a Prometheus: well at first, broken while a file says so.

    python -m stack.played.exporter --port 9300 --series series.json --state state --seen seen

Design rule: what was served is noted after it was sent, so that whoever reads the note knows that
Prometheus has it. `--seen` holds, for each of `well` and `broken`, how many scrapes had it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from stack.played.series import UP, Series, read_series
from stack.ports import LOOPBACK
from stack.replacing import replace_text

__all__ = ["BROKEN", "WELL", "Player", "main"]

WELL, BROKEN = "well", "broken"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Player:
    """The series as time passes. `scale` is by what production's windows are divided."""

    def __init__(self, series: Sequence[Series], scale: float) -> None:
        self._series = series
        self._scale = scale
        self._grown = [0.0] * len(series)
        self._at: float | None = None

    def exposition(self, state: str, *, now: float, clock: float) -> str | None:
        """Return the page of this moment; None where the scrape must be refused.

        `now` is on any clock that only moves forward, `clock` is seconds since the epoch. What a
        counter grew since the page before, it grew as the state is now.
        """
        elapsed = 0.0 if self._at is None else now - self._at
        self._at = now
        lines = []
        for at, one in enumerate(self._series):
            value = one.broken if state == BROKEN else one.well
            if one.kind == "counter":
                seconds = one.per / self._scale if one.per else 1.0
                self._grown[at] += (value or 0.0) / seconds * elapsed
            if value is None:
                continue
            if one.name == UP:
                if value == 0:
                    return None
                continue
            shown = {"counter": self._grown[at], "age": clock - value}.get(one.kind, value)
            lines.append(f"{one.text} {shown!r}")
        return "".join(f"{line}\n" for line in lines)


class _Server(ThreadingHTTPServer):
    """Serves the player's pages, and keeps count of them."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], player: Player, state: Path, seen: Path) -> None:
        super().__init__(address, _Handler)
        self.player = player
        self.lock = Lock()
        self._state = state
        self._seen = seen
        self._counts = {WELL: 0, BROKEN: 0}

    def state(self) -> str:
        return BROKEN if self._state.exists() and self._state.read_text() == BROKEN else WELL

    def note(self, state: str) -> None:
        self._counts[state] += 1
        replace_text(self._seen, json.dumps(self._counts))


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        with self.server.lock:
            state = self.server.state()
            page = self.server.player.exposition(state, now=time.monotonic(), clock=time.time())
            body = b"" if page is None else page.encode()
            self.send_response(HTTPStatus.SERVICE_UNAVAILABLE if page is None else HTTPStatus.OK)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.server.note(state)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: scrapes come four times a second."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m stack.played.exporter")
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--series", type=Path, required=True, metavar="FILE")
    parser.add_argument("--state", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seen", type=Path, required=True, metavar="FILE")
    parser.add_argument("--time-scale", type=float, default=1.0, metavar="K")
    options = parser.parse_args(arguments)
    player = Player(read_series(options.series.read_text()), options.time_scale)
    with _Server((options.host, options.port), player, options.state, options.seen) as server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
