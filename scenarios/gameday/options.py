"""The command line of a game day.

One rule: bad input ends in one line that says what is known, before anything is started.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from scenarios.gameday.deployment import Deployment
from scenarios.gameday.exits import UsageError
from stack.clients.server import Server, read_address, read_authority, read_watcher
from stack.drill_labels import RUN_NAME
from stack.settings import SettingsError, given_by, variable

HOLD_SECONDS = 180.0
"""How long a facilitated fault waits for its responder, where nobody says else: below the time
after which receivers are told again at its time scale (``repeat_interval``, 1 h / 10 or more)."""

TIME_SCALE, RESPONDING_TIME_SCALE, REAL_TIME = 60.0, 10.0, 1.0
"""By what durations are divided where nobody says else: as the checklist does; so that somebody who
responds has time to think; and, for a stack of somebody else's, by nothing."""

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
        time_scale: by how much production's durations are divided, or those of the rules in a
            stack of somebody else's.
        deployment: the service that is broken, where it is none of the run's own.
        run: what the game day is called; "" for a name of its own.
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
    time_scale: float = TIME_SCALE
    deployment: Deployment | None = None
    run: str = ""
    reports: Path = Path("reports")
    list_scenarios: bool = False


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `nox -s gameday -- --help`")


def parse(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Options:
    """Read the command line; ``environment`` is that of the process where none is given.

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
        *("--time-scale",),
        type=_scale,
        metavar="K",
        help=f"divide production's durations by K (default: {TIME_SCALE:g}; with --facilitator "
        f"{RESPONDING_TIME_SCALE:g}; with --external {REAL_TIME:g}: as they are)",
    )
    add(
        *("--run",),
        type=_run_name,
        metavar="NAME",
        help="what the game day is called on every alert (default: a name by time and chance)",
    )
    add("--reports", type=Path, default=Path("reports"), metavar="FOLDER", help="where it is kept")
    _add_external(parser)
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
        time_scale=found.time_scale or _time_scale(found),
        deployment=_deployment(parser, found, os.environ if environment is None else environment),
        run=found.run or "",
        reports=found.reports,
        list_scenarios=found.list,
    )


def _time_scale(found: argparse.Namespace) -> float:
    if found.external:
        return REAL_TIME
    return RESPONDING_TIME_SCALE if found.facilitator else TIME_SCALE


BROKEN = {
    "--target": ("URL", "one instance of the service, whose faults are armed"),
    "--service": ("NAME", "its `service` label in Prometheus"),
    "--fault-secret-file": ("FILE", "the secret that INSTRUMENT_FAULT_SECRET_FILE names there"),
}
WATCHING = {
    "--prometheus-url": ("URL", "who watches it"),
    "--alertmanager-url": ("URL", "who is told by that"),
}
"""What a deployed service is described by, all of it needed: who watches it may be said in the
environment as to the gate, and what is broken is named."""

GUARDED = {
    "--prometheus-token-file": ("FILE", "holds the bearer token that stands before Prometheus"),
    "--alertmanager-token-file": ("FILE", "the same for Alertmanager"),
    "--ca-file": ("FILE", "the private authority that signed certificates"),
}


def _add_external(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "a deployed service",
        "watched by a stack of somebody else's; by faults that requests carry, and one at a time",
    )
    group.add_argument("--external", action="store_true", help="break it, described by these:")
    for option, (metavar, text) in BROKEN.items():
        group.add_argument(option, metavar=metavar, help=text)
    for option, (metavar, text) in (*WATCHING.items(), *GUARDED.items()):
        group.add_argument(option, metavar=metavar, help=f"{text} [{variable(option)}]")
    group.add_argument(
        *("--request",),
        action="append",
        default=[],
        type=_request,
        metavar="'GET /PATH'",
        help="what the load asks for, repeatable (default: what the scenario asks for)",
    )


def _deployment(
    parser: argparse.ArgumentParser, found: argparse.Namespace, environment: Mapping[str, str]
) -> Deployment | None:
    named, given = given_by(vars(found), {}), given_by(vars(found), environment)
    if not found.external:
        used = [option for option in (*BROKEN, *WATCHING, *GUARDED) if named(option)]
        if used or found.request:
            parser.error(f"{', '.join(used) or '--request'}: only with --external")
        return None
    missing = [option for option in BROKEN if not named(option)]
    missing += [option for option in WATCHING if not given(option)]
    if missing:
        parser.error(f"--external needs {', '.join(missing)}")
    if not found.scenario:
        parser.error("--external needs a --scenario")
    try:
        target = read_address(named("--target"), "--target")
        prometheus, alertmanager = (
            read_watcher(given, name) for name in ("prometheus", "alertmanager")
        )
        authority = read_authority(given)
    except SettingsError as error:
        parser.error(str(error))
    assert prometheus is not None
    assert alertmanager is not None
    return Deployment(
        target=Server(url=target, ca_file=authority),
        service=named("--service"),
        secret_file=Path(named("--fault-secret-file")),
        prometheus=prometheus,
        alertmanager=alertmanager,
        requests=dict.fromkeys(found.request, 1),
    )


def _request(text: str) -> str:
    method, _, path = text.partition(" ")
    if not (method.isalpha() and method.isupper() and path.startswith("/")):
        raise argparse.ArgumentTypeError(f"expected METHOD /path, got {text!r}")
    return text


def _run_name(text: str) -> str:
    if not RUN_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"expected at most 40 letters, digits, dots and dashes, got {text!r}"
        )
    return text


def _ratio(text: str) -> float:
    return _number(text, "a ratio above 0 and at most 1", lambda value: 0 < value <= 1)


def _seconds(text: str) -> float:
    return _number(text, "a number of seconds above 0", lambda value: value > 0)


def _scale(text: str) -> float:
    return _number(text, "a number of 1 or more", lambda value: value >= 1)


def _number(text: str, what: str, fits: Callable[[float], bool]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and fits(value)):
        raise argparse.ArgumentTypeError(f"expected {what}, got {text!r}")
    return value
