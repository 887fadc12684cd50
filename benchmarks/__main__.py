"""Run all benchmarks, or those named: ``python -m benchmarks [all] [one]``."""

from __future__ import annotations

import argparse

from benchmarks.phases import measure

BENCHMARKS = {
    "all": lambda: measure(""),
    "one": lambda: measure("SlowResponseTime"),
}


def main() -> None:
    """Parse the command line and measure, one benchmark after the other."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="all: every drill, warm, from start to exit. one: the drill of one alert. "
        "Each prints where the time of every detection went against its computed minimum.",
    )
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="default: every one")
    for name in parser.parse_args().names or BENCHMARKS:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
