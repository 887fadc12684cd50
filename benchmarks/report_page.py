"""What a run's page weighs, how long it takes to make, and how soon a browser has it open.

    python -m benchmarks report

The evidence of 80 drills is made up, and heavier than a real run's: every drill has two conditions
of two series each that never stand still, and four messages of 3,000 characters. Making the page
is set against reading the same evidence as JSON, which any report must do: the ratio says more
than seconds do of a machine that others use too. A Chromium, where there is one, opens the page
in a window of a phone's size with an empty profile; the best of several is told.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.options import Options
from benchmarks.report import Outcome, progress, publish
from benchmarks.targets import Target
from scenarios.pages.command import write_page
from scenarios.pages.page import LARGEST_BYTES
from tests.scenarios.pages.browser import chromium, find_chromium
from tests.scenarios.pages.written import drill, evidence, signal

DRILLS, VALUES, CHARACTERS = 80, 240, 3000
ROUNDS = 9
SEED = 7
RATIO_LIMIT, OPEN_LIMIT_MS = 60.0, 1000.0
PHONE = (390, 844)


def measure(options: Options) -> bool:
    """Run the benchmark; tell whether its targets are met."""
    rounds = options.rotations or ROUNDS
    with tempfile.TemporaryDirectory(prefix="bench-report-") as name:
        source = Path(name) / "evidence.json"
        source.write_text(json.dumps(a_run()), encoding="utf-8")
        with progress() as shown:
            task = shown.add_task("pages made", total=rounds)
            reading, making = [], []
            for _ in range(rounds):
                reading.append(seconds(lambda: json.loads(source.read_text(encoding="utf-8"))))
                making.append(seconds(lambda: write_page(source)))
                shown.advance(task)
        page = write_page(source)
        weight = page.stat().st_size
        opened, notes = opening(page, rounds)
    ratio = median(making) / median(reading)
    outcome = Outcome(
        name="report",
        title=f"The page of {DRILLS} drills, median of {rounds}",
        columns=("what", "figure", "unit"),
        rows=[
            ("reading the evidence as JSON", f"{median(reading) * 1000:.0f}", "ms"),
            ("making the page of it", f"{median(making) * 1000:.0f}", "ms"),
            ("the page weighs", f"{weight / 1e6:.2f}", "MB"),
            ("a browser has it open after", "-" if opened is None else f"{opened:.0f}", "ms"),
        ],
        targets=targets(ratio, weight, opened),
        notes=notes,
        figures={
            "reading_seconds": median(reading),
            "making_seconds": median(making),
            "page_bytes": weight,
            "opened_ms": opened,
        },
    )
    publish(outcome)
    return outcome.met


def targets(ratio: float, weight: int, opened_ms: float | None) -> tuple[Target, ...]:
    """Judge the ratio, the weight, and how soon it is open, where that was measured."""
    return (
        Target(what="making, times reading", observed=ratio, limit=RATIO_LIMIT),
        Target(what="weight, MB", observed=weight / 1e6, limit=LARGEST_BYTES / 1e6),
        Target(what="open after, ms", observed=opened_ms, limit=OPEN_LIMIT_MS),
    )


def a_run() -> dict[str, Any]:
    """Return the evidence of many drills; the same each time."""
    chance = random.Random(SEED)  # noqa: S311  # the same curves each time, no secret

    def curve() -> dict[str, Any]:
        values = [round(chance.uniform(0, 2000), 2) for _ in range(VALUES)]
        return {"labels": {"instance": "a"}, "values": values}

    def one(name: str) -> dict[str, Any]:
        made = drill(name)
        made["signals"]["conditions"] = [
            signal([], letter=letter, decides=letter == "A", curves=[curve(), curve()])
            for letter in "AB"
        ]
        for event in made["history"]:
            if "payload" in event["detail"]:
                event["detail"] |= {"payload": "x" * CHARACTERS, "body": "y " * 300}
        return made

    names = [f"Alert{number:02d}" for number in range(DRILLS)]
    return evidence(
        drills={name: one(name) for name in names},
        drilled_again={},
        attribution=[
            {"drill": name, "alert": name, "declared": True, "delivered": True} for name in names
        ],
    )


def opening(page: Path, rounds: int) -> tuple[float | None, list[str]]:
    """Return the milliseconds until a Chromium has loaded the page, the best of ``rounds``."""
    found = find_chromium()
    if found is None:
        return None, ["no Chromium on PATH: how soon the page is open was not measured"]
    width, height = PHONE
    with chromium(found) as tab:
        taken = [tab.open(page, width=width, height=height).load_ms for _ in range(rounds)]
    return min(taken), []


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes, by the processor's time alone."""
    begun = time.process_time()
    work()
    return time.process_time() - begun
