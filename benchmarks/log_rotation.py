"""Several processes write one log that rotates every second: what is lost, what is torn.

    python -m benchmarks.log_rotation                          200,000 records of 8 processes
    python -m benchmarks.log_rotation --with library           the same with concurrent-log-handler

Exits with 1 when a record is missing, there twice, or no JSON.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROTATE_SECONDS = 1


def main() -> int:
    """Run the processes, or, with `--number`, be one of them."""
    options = _options()
    if options.number is not None:
        return _work(options)
    with tempfile.TemporaryDirectory() as made:
        path = Path(options.directory or made) / "app.log"
        return _measure(options, path)


def _measure(options: argparse.Namespace, path: Path) -> int:
    begun = time.monotonic()
    each = options.records // options.processes
    command = [sys.executable, "-m", "benchmarks.log_rotation", "--directory", str(path.parent)]
    command += ["--records", str(each), "--with", options.writer]
    command += ["--seconds", str(options.seconds)]
    workers = [
        subprocess.Popen([*command, "--number", str(number)]) for number in range(options.processes)
    ]
    failed = sum(worker.wait() != 0 for worker in workers)
    took_seconds = time.monotonic() - begun
    seen: set[tuple[int, int]] = set()
    lines = torn = 0
    files = sorted(path.parent.glob("app.log*"))
    for file in files:
        for line in file.read_bytes().split(b"\n")[:-1]:
            lines += 1
            try:
                extra = json.loads(line)["extra"]
                seen.add((extra["worker"], extra["number"]))
            except (ValueError, KeyError, TypeError):
                torn += 1
    report = {
        "written": each * options.processes,
        "lost": each * options.processes - len(seen),
        "twice": lines - torn - len(seen),
        "torn": torn,
        "files": len(files),
        "failed_processes": failed,
        "seconds": round(took_seconds, 1),
    }
    print(json.dumps(report))
    return int(any(report[name] for name in ("lost", "twice", "torn", "failed_processes")))


def _work(options: argparse.Namespace) -> int:
    log = logging.getLogger("worker")
    log.setLevel(logging.INFO)
    log.propagate = False
    path = Path(options.directory) / "app.log"
    handler = _ours(path) if options.writer == "own" else _librarys(path)
    log.addHandler(handler)
    begun = time.monotonic()
    for number in range(options.records):
        log.info("user %d booked", number, extra={"worker": options.number, "number": number})
        if number % 50 == 0:
            ahead = options.seconds * number / options.records - (time.monotonic() - begun)
            if ahead > 0:
                time.sleep(ahead)  # the load is spread, so that it meets several rotations
    logging.shutdown()
    return 0


def _ours(path: Path) -> logging.Handler:
    from flask import Flask

    from instrumentation.log_counts import LogCounts
    from instrumentation.log_format import LineFormatter, Service
    from instrumentation.log_handler import JsonFileHandler
    from instrumentation.log_redaction import Redactor
    from instrumentation.settings import InstrumentSettings

    settings = InstrumentSettings()
    redactor = Redactor()
    return JsonFileHandler(
        Flask("worker"),
        path,
        formatter=LineFormatter(
            Service(name="worker"), redactor=redactor, max_bytes=settings.log_record_max_bytes
        ),
        counts=LogCounts(),
        retention_days=10_000,
        queue_max_bytes=settings.log_queue_max_bytes,
        period_seconds=ROTATE_SECONDS,
    )


def _librarys(path: Path) -> logging.Handler:
    from concurrent_log_handler import ConcurrentTimedRotatingFileHandler

    handler = ConcurrentTimedRotatingFileHandler(
        str(path), when="S", interval=ROTATE_SECONDS, backupCount=10_000, utc=True
    )
    handler.setFormatter(
        logging.Formatter('{"extra":{"worker":%(worker)d,"number":%(number)d},"m":"%(message)s"}')
    )
    return handler


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=0.0, help="spread the load over these")
    parser.add_argument("--with", dest="writer", choices=("own", "library"), default="own")
    parser.add_argument("--directory")
    parser.add_argument("--number", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
