"""`python -m stack.logs setup`: what it takes, and what it says.

Design rule: a person sees each step and each changed path, and what is not there with what to do.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
import re
import sys

from stack.logs.connection import Connection
from stack.logs.days import number_of_days
from stack.logs.fields import load_fields
from stack.logs.lifecycle import ENVIRONMENTS, RETENTION_DAYS
from stack.logs.setup import Plan, set_up
from stack.logs.steps import Step

__all__ = ["add_arguments", "run"]

_EPILOG = """\
It may run before every deploy: what is as it should be is left alone. Existing indices get new
fields and settings at once; the type of a field that they have is for good, and changes with the
next day's index. An older index that refuses is said to be kept, with the reason.

examples:
  python -m stack.logs setup --dry-run
  python -m stack.logs setup --environment development
  python -m stack.logs setup --days 90 --replicas 1 --refresh-interval 5s

exit status: 0 all is as it should be, or under --dry-run would be; 1 Elasticsearch could not be
asked or refused, today's index refused, or another index template wins; 2 the command line or a
setting is wrong
"""

_INTERVAL = re.compile(r"\d+(?:ms|s|m)|-1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `setup` takes."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "--environment",
        choices=ENVIRONMENTS,
        default="production",
        help="how long logs are kept: "
        + ", ".join(f"{name} {days} days" for name, days in RETENTION_DAYS.items())
        + "; default: %(default)s",
    )
    parser.add_argument(
        "--days", type=number_of_days, metavar="N", help="keep logs for N days instead"
    )
    parser.add_argument(
        "--replicas",
        type=_replicas,
        metavar="N",
        help="copies of each index; default: 0 on one node, 1 on several",
    )
    parser.add_argument(
        "--refresh-interval",
        type=_interval,
        default="1s",
        metavar="TIME",
        help="how soon what was written is found; longer is cheaper; default: %(default)s",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would change, only")


def run(arguments: argparse.Namespace) -> int:
    """Install template and policy, and print each step."""
    plan = Plan(
        fields=load_fields(),
        days=arguments.days or RETENTION_DAYS[arguments.environment],
        replicas=arguments.replicas,
        refresh_interval=arguments.refresh_interval,
    )
    client = Connection.from_env().client(passes_over=True)
    failed = ""
    for step in set_up(client, plan, dry_run=arguments.dry_run):
        _say(step, dry_run=arguments.dry_run)
        if step.failed:
            failed = failed or f"{step.what}: {step.outcome}  ({step.note})"
    if not failed:
        return 0
    sys.stdout.flush()  # the reason comes last, also where both go to one place
    print(f"logs: {failed}", file=sys.stderr)
    return 1


def _say(step: Step, *, dry_run: bool) -> None:
    would = "would be " if dry_run and step.outcome in ("created", "changed") else ""
    note = f"  ({step.note})" if step.note else ""
    print(f"{step.what}: {would}{step.outcome}{note}")
    if step.outcome == "created":
        return  # all of it is new
    for change in step.changes:
        print(f"  {change}")


def _replicas(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of copies; give 0 or more")
    return int(text)


def _interval(text: str) -> str:
    if _INTERVAL.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; write 500ms, 1s, 5s or -1 for never"
        )
    return text
