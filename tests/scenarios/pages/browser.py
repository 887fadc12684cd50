"""A real headless Chromium, spoken to over a pipe by the DevTools protocol.

One rule: it starts with an empty profile, asks the network for nothing by itself, and is gone when
the block ends.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-default-apps", "--disable-extensions", "--no-default-browser-check"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb"),
)
TIMEOUT_SECONDS = 60.0
"""For one command: a page is there in a fraction of it, also on a busy machine."""


def find_chromium() -> str | None:
    """Return the path of a Chromium, or ``None``."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page did while it was opened.

    Attributes:
        requests: every address that was asked for, the page's own first.
        complaints: what the browser said of it: errors, and what its policy forbade.
        load_ms: from the beginning of the navigation to the end of its load event.
        painted_ms: until something was to be seen.
    """

    requests: tuple[str, ...]
    complaints: tuple[str, ...]
    load_ms: float
    painted_ms: float


class Page:
    """One tab."""

    def __init__(self, wire: Wire, session: str) -> None:
        self._wire, self._session = wire, session

    def open(
        self, path: Path, *, width: int, height: int, dark: bool = False, paper: bool = False
    ) -> Visit:
        """Open a file at this size, or as on paper, and wait until it is loaded and drawn."""
        self.resize(width, height)
        self._call(
            "Emulation.setEmulatedMedia",
            media="print" if paper else "screen",
            features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
        )
        for domain in ("Page", "Network", "Log", "Runtime"):
            self._call(f"{domain}.enable")
        self._wire.events.clear()
        self._call("Page.navigate", url=path.resolve().as_uri())
        self._wire.wait_for("Page.loadEventFired")
        times = self.evaluate(
            "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(["
            "performance.getEntriesByType('navigation')[0].loadEventEnd,"
            "(performance.getEntriesByName('first-contentful-paint')[0]||{}).startTime||0"
            "]), 0)))"
        )
        said = self._wire.events
        return Visit(
            requests=tuple(
                one["params"]["request"]["url"]
                for one in said
                if one["method"] == "Network.requestWillBeSent"
            ),
            complaints=tuple(
                one["params"]["entry"]["text"] for one in said if one["method"] == "Log.entryAdded"
            ),
            load_ms=times[0],
            painted_ms=times[1],
        )

    def resize(self, width: int, height: int) -> None:
        """Give the page a size in CSS pixels; a narrow one is a phone's."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to, as JSON; promises are awaited."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def picture(self, target: Path, *, selector: str = "", most_height: int = 4000) -> Path:
        """Write what is to be seen as PNG: the window, or an element from its top down."""
        clip = {}
        if selector:
            # What was never on the screen is not drawn yet, and its height is a guess.
            self.evaluate(
                "document.querySelectorAll('*').forEach("
                "one => one.style.contentVisibility = 'visible')"
            )
            self.evaluate(
                f"document.querySelector({selector!r}).scrollIntoView({{behavior: 'instant'}})"
            )
            self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
            box = self.evaluate(
                f"(b => [b.x + scrollX, b.y + scrollY, b.width, b.height])"
                f"(document.querySelector({selector!r}).getBoundingClientRect())"
            )
            names = ("x", "y", "width", "height")
            clip = dict(zip(names, box, strict=True)) | {"scale": 1}
            clip["height"] = min(clip["height"], most_height)
        answer = self._call(
            "Page.captureScreenshot",
            format="png",
            captureBeyondViewport=bool(clip),
            **({"clip": clip} if clip else {}),
        )
        target.write_bytes(base64.b64decode(answer["data"]))
        return target

    def pdf(self, target: Path) -> Path:
        """Write the page as it is printed."""
        answer = self._call("Page.printToPDF", printBackground=True)
        target.write_bytes(base64.b64decode(answer["data"]))
        return target

    def _call(self, method: str, **params: Any) -> Any:
        return self._wire.call(method, params, session=self._session)


class Wire:
    """Commands to the browser, their answers, and the events between them."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._buffer = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, params: dict[str, Any], *, session: str = "") -> Any:
        """Return the answer to one command; RuntimeError says what the browser objects to."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            said = self._next(deadline, method)
            if said.get("id") == self._last:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']}")
                return said["result"]
            self.events.append(said)

    def wait_for(self, event: str) -> None:
        """Wait for an event that may have come already."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not any(one.get("method") == event for one in self.events):
            self.events.append(self._next(deadline, event))

    def _next(self, deadline: float, what: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                raise TimeoutError(f"Chromium did not answer {what} in {TIMEOUT_SECONDS:.0f} s")
            some = os.read(self._read, 1 << 20)
            if not some:
                raise RuntimeError(f"Chromium ended while it was asked for {what}")
            self._buffer += some
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


@contextmanager
def chromium(path: str) -> Iterator[Page]:
    """Start a Chromium and yield a tab of it; it has ended when the block does."""
    with tempfile.TemporaryDirectory(
        prefix="alertproof-chromium-", ignore_cleanup_errors=True
    ) as profile:
        to_it, write = _pipe()
        read, from_it = _pipe()
        pid = os.posix_spawn(
            path,
            [path, *QUIET, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            {**os.environ, "HOME": profile},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, to_it, 3),
                (os.POSIX_SPAWN_DUP2, from_it, 4),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setsid=True,
        )
        os.close(to_it)
        os.close(from_it)
        try:
            wire = Wire(write, read)
            target = wire.call("Target.createTarget", {"url": "about:blank"})["targetId"]
            attached = wire.call("Target.attachToTarget", {"targetId": target, "flatten": True})
            yield Page(wire, attached["sessionId"])
        finally:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(write)
            os.close(read)


def _pipe() -> tuple[int, int]:
    """Return a pipe whose ends are above the numbers that the browser wants them at."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10) for one in ends)
    for one in ends:
        os.close(one)
    return high[0], high[1]
