"""One of several processes that log to one file, which each of them rotates every second.

    python -m benchmarks.apps.rotating WAY FILE PROCESS RECORDS SECONDS

Records come in bursts at a fixed pace, so that the run spans many rotations at any speed.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path

from flask import Flask

from instrumentation import logging_config
from instrumentation.settings import InstrumentSettings

BURSTS = 100
PERIOD_SECONDS = 1
KEPT_PERIODS = 100_000


def ours(path: Path) -> object:
    """Log by `configure_logging`, with all that it sets up but for the period of a day."""
    module = vars(logging_config)  # no setting has a period: only this wants other than a day
    module["JsonFileHandler"] = partial(module["JsonFileHandler"], period_seconds=PERIOD_SECONDS)
    settings = InstrumentSettings(log_retention_days=KEPT_PERIODS)
    app = Flask("rotating")
    logging_config.configure_logging(app, path, settings=settings)
    return app  # its log lasts as long as it does


class _Json(logging.Formatter):
    """The message as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"message": record.getMessage(), "level": record.levelname})


def standard(path: Path) -> None:
    """Log by the standard library's handler, which knows of no other process."""
    handler = TimedRotatingFileHandler(
        path, when="S", interval=PERIOD_SECONDS, utc=True, encoding="utf-8"
    )
    handler.setFormatter(_Json())
    logging.getLogger().addHandler(handler)


def library(path: Path) -> None:
    """Log by concurrent-log-handler, which locks and writes once a record."""
    from concurrent_log_handler import ConcurrentTimedRotatingFileHandler  # an extra's

    handler = ConcurrentTimedRotatingFileHandler(
        str(path), when="S", interval=PERIOD_SECONDS, backupCount=KEPT_PERIODS, utc=True
    )
    handler.setFormatter(_Json())
    logging.getLogger().addHandler(handler)


WAYS: dict[str, Callable[[Path], object]] = {
    "ours": ours,
    "library": library,
    "standard": standard,
}


def main() -> None:
    """Log so many records in about so many seconds; each names its process and its number."""
    way, path, process, records, seconds = sys.argv[1:]
    kept = WAYS[way](Path(path))
    logger = logging.getLogger("rotating")
    logger.setLevel(logging.INFO)
    began, number = time.monotonic(), 0
    for burst in range(1, BURSTS + 1):
        while number < int(records) * burst // BURSTS:
            logger.info("%s %d", process, number)
            number += 1
        time.sleep(max(0.0, began + float(seconds) * burst / BURSTS - time.monotonic()))
    logging.shutdown()
    del kept


if __name__ == "__main__":
    main()
