"""Run all benchmarks, or those named: `python -m benchmarks requests logs`.

A benchmark measures and tells; a missed target fails the command only with `--strict`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module

from benchmarks.options import Options

Measure = Callable[[Options], bool]

_HOMES = {
    "requests": ("benchmarks.request_cost", "what observing adds to a request"),
    "logs": ("benchmarks.log_lines", "log lines a second"),
    "scrape": ("benchmarks.scrape_time", "one scrape of eight workers"),
    "start": ("benchmarks.start_cost", "time at start, and memory a worker"),
    "rotation": ("benchmarks.rotation_losses", "records lost while eight processes rotate"),
    "report": ("benchmarks.report_page", "weight and making of a run's page"),
    "logsize": ("benchmarks.logsize", "bytes of disk a log record takes"),
    "engines": ("benchmarks.engines", "where VictoriaMetrics answers otherwise than Prometheus"),
}
_DRILLS = {
    "all": ("", "every drill, warm, against its computed minimum"),
    "one": ("SlowResponseTime", "the drill of one alert"),
}


def benchmark(name: str) -> Measure:
    """Load one benchmark; those that nobody asked for need not be installed."""
    if name in _DRILLS:
        return lambda _options: _drills(_DRILLS[name][0])
    try:
        measure: Measure = import_module(_HOMES[name][0]).measure
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"{name} needs {error.name}, which is not installed: pip install -e '.[bench]'"
        ) from error
    return measure


def _drills(selection: str) -> bool:
    from benchmarks.phases import measure

    return measure(selection)


def main() -> int:
    """Parse the command line and measure, one benchmark after the other."""
    said = {**_HOMES, **_DRILLS}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="; ".join(f"{name}: {about}" for name, (_, about) in said.items()),
    )
    parser.add_argument("names", nargs="*", choices=[*said, []], help="default: every one")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is missed")
    parser.add_argument("--rotations", type=int, metavar="N", help="rounds of each contender")
    parser.add_argument("--requests", type=int, metavar="N", help="requests logged (logsize)")
    parser.add_argument(
        "--profile",
        metavar="CONTENDER",
        help="print where a contender's time goes (requests, logs)",
    )
    asked = parser.parse_args()
    options = Options(rotations=asked.rotations, requests=asked.requests, profile=asked.profile)
    met = [benchmark(name)(options) for name in asked.names or said]
    return 0 if all(met) or not asked.strict else 1


if __name__ == "__main__":
    sys.exit(main())
