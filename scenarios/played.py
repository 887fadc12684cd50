"""Series that are played into the stack for one synthetic drill, by an exporter of its own.

One rule: what Prometheus was served is read from the exporter's own note, and never from a rule.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scenarios.target import Discovery
from stack.played.exporter import BROKEN, WELL
from stack.played.series import Series, write_series
from stack.ports import Place
from stack.processes import Processes
from stack.replacing import replace_text
from stack.waiting import wait_until

TARGET_LABELS = ("job", "instance")
"""What a scrape's target is named by: a selector that asks for one is played as its target."""

PLAYED_JOB = "played"
"""The ``job`` label of series whose rule does not ask for one."""


@dataclass(slots=True)
class Player:
    """The exporter of one drill.

    Attributes:
        targets: the folder in which Prometheus discovers it.
        started: whether it was ever started.
    """

    name: str
    place: Place
    directory: Path
    series: Sequence[Series]
    processes: Processes = field(repr=False)
    time_scale: float
    targets: Path
    service: str
    started: bool = False

    @property
    def discovery(self) -> Discovery:
        """The file through which it is discovered, with the labels that the rule asks for."""
        labels = {"job": PLAYED_JOB, "service": self.service, "__metrics_path__": "/metrics"}
        for one in self.series:
            labels |= {name: one.labels[name] for name in TARGET_LABELS if name in one.labels}
        content = json.dumps([{"targets": [self.place.address], "labels": labels}])
        return Discovery(path=self.targets / f"{self.service}-played.yml", content=content)

    def start(self) -> None:
        """Start it; all is well as yet."""
        self.directory.mkdir(parents=True, exist_ok=True)
        plain = [_without(one, (*TARGET_LABELS, "service")) for one in self.series]
        self._file("series.json").write_text(write_series(plain))
        self._tell(WELL)
        argv = [sys.executable, "-m", "stack.played.exporter"]
        argv += ["--host", self.place.host, "--port", str(self.place.port)]
        argv += ["--series", str(self._file("series.json")), "--state", str(self._file("state"))]
        argv += ["--seen", str(self._file("seen")), "--time-scale", str(self.time_scale)]
        self.processes.start(self.name, argv, log=self.directory / "exporter.log")
        self.started = True
        self.discovery.announce()

    def end(self) -> None:
        """End it, if it was ever started."""
        if self.discovery.announced:
            self.discovery.withdraw()
        if self.started:
            self.processes.stop(self.name)

    def play(self, state: str, *, timeout_seconds: float, scrapes: int = 2) -> None:
        """Serve this state from now on, and wait until Prometheus has had it so often.

        Raises:
            WaitTimeout: it has not within the time.
        """
        before = self._seen(state)
        self._tell(state)
        self._wait(lambda: self._seen(state) - before, state, scrapes, timeout_seconds)

    def wait_scraped(self, timeout_seconds: float, *, scrapes: int = 2) -> None:
        """Wait until Prometheus was served while all was well; raises WaitTimeout."""
        self._wait(lambda: self._seen(WELL), WELL, scrapes, timeout_seconds)

    def _wait(
        self, count: Callable[[], int], state: str, scrapes: int, timeout_seconds: float
    ) -> None:
        wait_until(
            lambda: count() >= scrapes or None,
            what=f"Prometheus to be served {self.service}'s series as they are when {state}",
            timeout_seconds=timeout_seconds,
            interval_seconds=0.05,
        )

    def _seen(self, state: str) -> int:
        file = self._file("seen")
        return int(json.loads(file.read_text())[state]) if file.exists() else 0

    def _tell(self, state: str) -> None:
        replace_text(self._file("state"), state)

    def _file(self, name: str) -> Path:
        return self.directory / name


def _without(series: Series, names: Sequence[str]) -> Series:
    return replace(
        series, labels={name: one for name, one in series.labels.items() if name not in names}
    )


__all__ = ["BROKEN", "WELL", "Player"]
