"""The command line of ``python -m stack.baseline``.

One rule: whatever can be wrong about an option is said here, before anything is asked.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stack.clients.server import Server, read_server
from stack.production import production_files
from stack.settings import given_by, variable

__all__ = ["parser", "prometheus_of"]

DEFAULT_URL = "http://127.0.0.1:9090"

_EPILOG = """\
For each alert of the rules file it reads what the rule measured, and plays `for` and
`keep_firing_for` again over it. The table says:

  fires at   the comparison that decides; "a state" where there is no number to choose
  usual      what 999 of 1000 moments did not exceed
  nearest    what came nearest to the threshold; reached: how much of the way that is
  held, for  how long the condition held at most, and how long it must
  fired      how often the alert would have fired; a month: at this pace in 30 days
  *          the rule's other conditions never held; this was measured regardless of them
  ?          not known: there is no data for it

  NOISY      fired more often than --most-a-month       DEAD     none of its series is there
  NEAR       fired, held, or came within a fifth        UNKNOWN  nothing can be told, and why
  FAR        never came half of the way                 QUIET    none of these

examples:
  python -m stack.baseline --prometheus-url http://127.0.0.1:9090
  python -m stack.baseline --days 30 --most-a-month 2 --patch thresholds.patch
  python -m stack.baseline --alert SlowResponseTime --tighten
  git apply thresholds.patch

It reads, and changes nothing: --patch writes a file for you to read and to apply. The texts, the
unit tests and the drills that name an old number are yours to change as well.

exit status: 0 every rule could be judged, none is noisy or dead; 1 some are, by name; 2 the command
line or the rules file is wrong; 3 something is UNKNOWN, or Prometheus could not be read; 130 Ctrl-C
"""

LARGEST = 1_000_000
"""Of any number: days beyond a billion are no duration any more."""


def parser() -> argparse.ArgumentParser:
    """Return the parser; each option says what it is for."""
    found = argparse.ArgumentParser(
        prog="python -m stack.baseline",
        description="How far normal is from each rule's threshold, by a Prometheus' own history.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    production = production_files().rules
    add = found.add_argument
    for option, metavar, text in (
        ("--prometheus-url", "URL", f"whom to ask; default: {DEFAULT_URL}"),
        ("--prometheus-token-file", "FILE", "holds the bearer token that stands before it"),
        ("--ca-file", "FILE", "the private authority that signed its certificate"),
    ):
        # The same to the gate and to a game day, as it is the same Prometheus.
        add(option, metavar=metavar, help=f"{text} [{variable(option)}]")
    add("--days", type=_positive, default=7.0, help="how far to look back; default: %(default)g")
    add(
        "--rules",
        type=Path,
        default=production,
        metavar="FILE",
        help=f"the rules to judge; default: {production.parent.name}/{production.name}",
    )
    add("--alert", action="append", default=[], metavar="NAME", help="this one only; repeatable")
    add(
        "--most-a-month",
        type=_positive,
        default=4.0,
        metavar="N",
        help="alerts of one rule in 30 days, beyond which it is noisy; default: %(default)g",
    )
    add(
        "--tighten",
        action="store_true",
        help="propose thresholds closer to normal too, for the rules that are FAR",
    )
    add("--patch", type=Path, metavar="FILE", help="write what is proposed as a patch of the rules")
    add(
        "--least-hours",
        type=_positive,
        default=24.0,
        metavar="N",
        help="of the past that a rule must have seen to be judged; default: %(default)g",
    )
    add(
        "--step-seconds",
        type=_positive,
        metavar="N",
        help="how far moments are apart; default: as the rules are evaluated",
    )
    add(
        "--timeout-seconds",
        type=_positive,
        default=30.0,
        metavar="N",
        help="patience with one query; default: %(default)g",
    )
    add(
        "--deadline-seconds",
        type=_positive,
        default=600.0,
        metavar="N",
        help="patience with all of them; what is left then is UNKNOWN; default: %(default)g",
    )
    return found


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number <= LARGEST:
        raise argparse.ArgumentTypeError(f"expected a number above 0, and at most {LARGEST:,}")
    return number


def prometheus_of(options: argparse.Namespace) -> Server:
    """Return whom to ask. Raises SettingsError for an address or a file that can't be used."""
    given = given_by(vars(options), os.environ)
    return read_server(
        given("--prometheus-url") or DEFAULT_URL,
        given,
        option="--prometheus-url",
        token_option="--prometheus-token-file",  # noqa: S106 (an option)
    )
