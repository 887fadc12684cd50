"""Runs that were made before: one small file each below ``reports/history``, the oldest removed.

One rule: a run is compared only with those made in the same way; a file that can't be read is
named, and never keeps a run from being shown.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from scenarios.pages.reading import EvidenceError, Node
from scenarios.pages.record import RunRecord
from scenarios.verdict import Status
from stack.replacing import replace_text

FOLDER = "history"
"""Below the reports."""

KEPT = 60
"""So many runs are kept: two months of nightly ones, in about 10 kB each."""

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDrill:
    """What one run said of a drill; seconds, or ``None`` for what was not observed."""

    verdict: Status
    detection: float | None
    resolution: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """What is left of one run."""

    at: datetime
    verdict: Status
    time_scale: float
    stack: str
    app: str
    seconds: float
    drills: Mapping[str, PastDrill]

    @classmethod
    def of(cls, run: RunRecord) -> PastRun:
        """Return what is kept of a run."""
        return cls(
            at=run.written_at,
            verdict=run.verdict,
            time_scale=run.time_scale,
            stack=run.stack,
            app=run.app,
            seconds=round(sum(run.phases_seconds.values()), 1),
            drills={
                one.id: PastDrill(
                    verdict=one.verdict,
                    detection=one.measured.detection,
                    resolution=one.measured.resolution,
                )
                for one in run.drills
            },
        )

    def comparable(self, other: PastRun) -> bool:
        """Tell whether both were made in the same way, so that their times may be compared."""
        return (self.time_scale, self.stack, self.app) == (
            other.time_scale,
            other.stack,
            other.app,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The runs that can be compared with the one that is shown, the oldest first.

    ``unreadable`` names the files that could not be read, and why.
    """

    runs: tuple[PastRun, ...] = ()
    unreadable: tuple[str, ...] = field(default=())


def keep(folder: Path, run: RunRecord) -> Path:
    """Write what is kept of a run, remove the oldest, and return the run's file.

    Raises:
        OSError: it can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    past = PastRun.of(run)
    document = {
        "schema": SCHEMA,
        "at": past.at.isoformat(),
        "verdict": past.verdict,
        "time_scale": past.time_scale,
        "stack": past.stack,
        "app": past.app,
        "seconds": past.seconds,
        "drills": {
            name: {
                "verdict": one.verdict,
                "detection": one.detection,
                "resolution": one.resolution,
            }
            for name, one in past.drills.items()
        },
    }
    path = folder / f"{past.at:%Y-%m-%dT%H%M%SZ}-{os.getpid()}.json"
    replace_text(path, json.dumps(document) + "\n")
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def before(folder: Path, run: RunRecord) -> Past:
    """Return the runs made before ``run`` in the same way; none where there is no such folder."""
    this = PastRun.of(run)
    found, unreadable = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(_read(path))
        except (EvidenceError, OSError, UnicodeDecodeError) as error:
            unreadable.append(str(error))
    return Past(runs=_earlier(found, this), unreadable=tuple(unreadable))


def _earlier(found: Iterable[PastRun], this: PastRun) -> tuple[PastRun, ...]:
    earlier = (one for one in found if one.at < this.at and one.comparable(this))
    return tuple(sorted(earlier, key=lambda one: one.at))


def _read(path: Path) -> PastRun:
    try:
        root = Node(json.loads(path.read_text(encoding="utf-8")), path.name)
    except ValueError as error:
        raise EvidenceError(f"{path.name} is not JSON: {error}") from error
    if root["schema"].number() != SCHEMA:
        raise EvidenceError(f"{path.name} has another schema than {SCHEMA}")
    return PastRun(
        at=root["at"].made(datetime.fromisoformat, "a time in ISO 8601"),
        verdict=root["verdict"].made(Status, "a verdict"),
        time_scale=root["time_scale"].number(),
        stack=root["stack"].text(),
        app=root["app"].text(),
        seconds=root["seconds"].number(),
        drills={
            name: PastDrill(
                verdict=one["verdict"].made(Status, "a verdict"),
                detection=one["detection"].number_or_none(),
                resolution=one["resolution"].number_or_none(),
            )
            for name, one in root["drills"].items()
        },
    )
