"""The command line of a game day, and what its exit statuses mean.

One rule: bad input ends in one line that says what is known, before anything is started.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

HOLD_SECONDS = 180.0
"""How long a facilitated fault waits for its responder, where nobody says else: below the time
after which receivers are told again at the default time scale (``repeat_interval``, 4 h / 60)."""

EPILOG = """exit status:
  0  everything happened as it was declared
  1  something else happened, or nothing can be said of it: the report says what
  2  declined at the question, or interrupted before anything was broken
  3  it could not be started
  4  the command line, or what it names, can't be used
  5  stopped by a stop condition or a person: the report says by which, and when the fault was gone

examples:
  nox -s gameday -- --scenario SlowResponseTime
  nox -s gameday -- --scenario HighErrorRate --share 0.2 --stop-error-ratio 0.3 --yes
  nox -s gameday -- --facilitator                    # something breaks: find out what
"""


class Exit(IntEnum):
    """What a game day came to."""

    AS_DECLARED = 0
    OTHERWISE = 1
    DECLINED = 2
    CANNOT_START = 3
    USAGE = 4
    STOPPED = 5


class UsageError(ValueError):
    """What was asked for can't be done: one line, with what is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for.

    Attributes:
        scenarios: the names of the scenarios, in their order; with ``facilitator`` none is any.
        yes: begin without asking.
        facilitator: hide what breaks, and time whoever responds.
        share: the largest share of the requests that may be hit; ``None`` for the scenario's own.
        hold_seconds: how long a fault lasts once its alert has arrived.
        stop_error_ratio, stop_p95_seconds: limits in place of those that follow from the fault.
        stop_burn_ratio: how much of 30 days' success budget a drill may spend.
        time_scale: by how much production's durations are divided.
        reports: the folder that gets ``gameday/RUN``.
    """

    scenarios: tuple[str, ...]
    yes: bool = False
    facilitator: bool = False
    share: float | None = None
    hold_seconds: float = 0.0
    stop_error_ratio: float | None = None
    stop_p95_seconds: float | None = None
    stop_burn_ratio: float = 1.0
    time_scale: float = 60.0
    reports: Path = Path("reports")
    list_scenarios: bool = False


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `nox -s gameday -- --help`")


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        UsageError: in one line.
        SystemExit: after ``--help``.
    """
    parser = _Parser(
        prog="nox -s gameday --",
        description="Break a service on purpose while people watch: announced, limited, stopped "
        "within a second, and written down.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--scenario", action="append", default=[], metavar="NAME", help="what to break; repeatable")
    add("--list", action="store_true", help="print the scenarios, and end")
    add("--yes", action="store_true", help="begin without asking, as automation does")
    add(
        *("--facilitator",),
        action="store_true",
        help="break one thing after the other, shuffled and without a name; wait for whoever "
        "responds, and time them (without --scenario: one that is chosen by chance)",
    )
    add(
        *("--share",),
        type=_ratio,
        metavar="RATIO",
        help="hit at most this share of the requests, such as 0.2; scenarios that can't be "
        "limited so are refused",
    )
    add(
        *("--hold",),
        type=_seconds,
        metavar="SECONDS",
        help="how long the fault lasts once its alert has arrived, in real seconds (default: 0; "
        f"with --facilitator {HOLD_SECONDS:g}, or until it is mitigated)",
    )
    stops = parser.add_argument_group(
        "stop conditions", "each ends every fault within a second; so do q, Enter and Ctrl-C"
    )
    stops.add_argument(
        *("--stop-error-ratio",),
        type=_ratio,
        metavar="RATIO",
        help="stop when more of the answers of the last seconds are errors (default: a quarter "
        "more than the fault announces)",
    )
    stops.add_argument(
        *("--stop-p95",),
        type=_seconds,
        metavar="SECONDS",
        help="stop when the 95th percentile of the last seconds is slower (default: twice the "
        "delay that the fault announces, 2 s at least)",
    )
    stops.add_argument(
        *("--stop-burn",),
        type=_ratio,
        default=1.0,
        metavar="RATIO",
        help="stop when more of 30 days' error budget is spent, at the drill's rate of requests "
        "(default: 1, all of it)",
    )
    add(
        "--time-scale", type=_scale, default=60.0, metavar="K", help="divide production's durations"
    )
    add("--reports", type=Path, default=Path("reports"), metavar="FOLDER", help="where it is kept")
    found = parser.parse_args(list(arguments))
    if not (found.scenario or found.facilitator or found.list):
        parser.error("--scenario NAME is needed, or --facilitator; --list prints the names")
    hold = found.hold
    if hold is None:
        hold = HOLD_SECONDS if found.facilitator else 0.0
    return Options(
        scenarios=tuple(dict.fromkeys(found.scenario)),
        yes=found.yes,
        facilitator=found.facilitator,
        share=found.share,
        hold_seconds=hold,
        stop_error_ratio=found.stop_error_ratio,
        stop_p95_seconds=found.stop_p95,
        stop_burn_ratio=found.stop_burn,
        time_scale=found.time_scale,
        reports=found.reports,
        list_scenarios=found.list,
    )


def _ratio(text: str) -> float:
    return _number(text, "a ratio above 0 and at most 1", lambda value: 0 < value <= 1)


def _seconds(text: str) -> float:
    return _number(text, "a number of seconds above 0", lambda value: value > 0)


def _scale(text: str) -> float:
    return _number(text, "a number of 1 or more", lambda value: value >= 1)


def _number(text: str, what: str, fits: object) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and callable(fits) and fits(value)):
        raise argparse.ArgumentTypeError(f"expected {what}, got {text!r}")
    return value
