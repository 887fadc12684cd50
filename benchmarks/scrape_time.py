"""How long one scrape of eight workers takes, and whether it stays so after a thousand more.

    python -m benchmarks scrape

Workers are replaced as they are in production: half are killed, half are told to end, eight at a
time, under a real gunicorn that buries them and forks new ones. Beside it stands the client
library's own MultiProcessCollector on the same directory, without any HTTP around it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from benchmarks.apps.many_series import SERIES
from benchmarks.options import Options
from benchmarks.report import Outcome, progress, publish
from benchmarks.serving import Server, ask, served
from benchmarks.spread import Spread, spread
from benchmarks.targets import Target
from stack.waiting import NotYet, wait_until

WORKERS, REPLACED, SCRAPES = 8, 1000, 100
LIMIT_MS = 35.0
PATH = "/api/metrics/prometheus"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
CONFIGURATION = ("-c", "python:benchmarks.apps.quick_workers")
WAVE_SECONDS = 60.0


def measure(options: Options) -> bool:
    """Run the benchmark; tell whether its targets are met."""
    scrapes = options.rotations or SCRAPES
    with (
        served(
            "benchmarks.apps.many_series:create_app()",
            workers=WORKERS,
            configuration=CONFIGURATION,
            environment={"INSTRUMENT_DRAIN_SECONDS": "0"},
        ) as server,
        progress() as shown,
    ):
        directory = Path(ask(server.port, "/directory").decode())
        task = shown.add_task("scraping, replacing workers, scraping", total=REPLACED)
        before, files_before = scraped(server, directory, scrapes), _files(directory)
        began, replaced = time.monotonic(), 0
        while replaced < REPLACED:
            replaced += replace_all(server, directory)
            shown.update(task, completed=replaced)
        seconds = time.monotonic() - began
        after, files_after = scraped(server, directory, scrapes), _files(directory)
    outcome = judged(
        before,
        after,
        notes=(
            f"{WORKERS} workers with {SERIES} series each beside the instrumentation's own; idle",
            f"{replaced} workers replaced in {seconds:.0f} s, by SIGKILL and SIGTERM in turn",
            f"files in the directory: {files_before} before, {files_after} after",
            "the client's collector is timed without HTTP; one connection a scrape of ours",
        ),
    )
    publish(outcome)
    return outcome.met


def scraped(server: Server, directory: Path, scrapes: int) -> dict[str, Spread]:
    """Return milliseconds a scrape by what is asked; `first` is the first of each new worker."""
    first = _timed(lambda: ask(server.port, PATH), WORKERS)
    _timed(lambda: ask(server.port, PATH), 4 * WORKERS)  # every worker has answered by now
    return {
        "first": first,
        "text": _timed(lambda: ask(server.port, PATH, accept="text/plain"), scrapes),
        "OpenMetrics": _timed(lambda: ask(server.port, PATH, accept=OPENMETRICS), scrapes),
        "client library": _timed(lambda: _of_the_client(directory), max(scrapes // 5, 1)),
    }


def replace_all(server: Server, directory: Path) -> int:
    """End all workers, the even ones rudely, and wait for as many that hold all their series."""
    old = server.workers()
    for number, pid in enumerate(old):
        os.kill(pid, signal.SIGTERM if number % 2 else signal.SIGKILL)

    def replaced() -> bool:
        now = server.workers()
        if set(now) & set(old) or len(now) < WORKERS:
            raise NotYet(f"workers {now}, of which {sorted(set(now) & set(old))} were to end")
        late = [pid for pid in now if not (directory / f"histogram_{pid}.db").exists()]
        if late:
            raise NotYet(f"workers {late} have written nothing")
        return True

    wait_until(replaced, what=f"{WORKERS} new workers", timeout_seconds=WAVE_SECONDS)
    return len(old)


def judged(before: dict[str, Spread], after: dict[str, Spread], *, notes: Sequence[str]) -> Outcome:
    """Turn both halves into a table and its targets."""
    rows = [
        (
            what,
            f"{before[what].median:.1f}",
            f"{before[what].lower:.1f} .. {before[what].upper:.1f}",
            f"{after[what].median:.1f}",
            f"{after[what].lower:.1f} .. {after[what].upper:.1f}",
        )
        for what in before
    ]
    return Outcome(
        name="scrape",
        title=f"milliseconds a scrape, {before['text'].count} scrapes",
        columns=("scrape", "median", "quartiles", f"after {REPLACED}", "quartiles"),
        rows=rows,
        targets=[
            Target(what=f"{what}, {when}, ms", observed=one[what].median, limit=LIMIT_MS)
            for when, one in (("at first", before), (f"after {REPLACED} workers", after))
            for what in ("text", "OpenMetrics")
        ],
        notes=notes,
        figures={
            "before_ms": {what: asdict(one) for what, one in before.items()},
            "after_ms": {what: asdict(one) for what, one in after.items()},
        },
    )


def _timed(scrape: Callable[[], object], count: int) -> Spread:
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        scrape()
        taken.append((time.perf_counter() - began) * 1e3)
    return spread(taken)


def _of_the_client(directory: Path) -> bytes:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]  # no types
    return generate_latest(registry)


def _files(directory: Path) -> int:
    return sum(1 for _ in directory.glob("*.db"))
