"""`python -m stack.logs follow`: what it takes, and how it goes on.

Design rule: it ends when it is told to. An Elasticsearch that goes away is waited for, once it has
answered at all.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from elasticsearch import ApiError, ConnectionError, ConnectionTimeout

from stack.logs.command_find import add_filters, as_json, filter_of, print_lines
from stack.logs.connection import Connection
from stack.logs.failures import explained
from stack.logs.follow import Follower
from stack.logs.timeline import line_of

__all__ = ["add_arguments", "run"]

_LINES = 10

_EPILOG = """\
Prints the newest records, then each one as it becomes searchable, also one that comes late. Ends on
Ctrl-C. While Elasticsearch is gone it waits, and goes on where it was.

examples:
  python -m stack.logs follow
  python -m stack.logs follow --level warning --lines 50
  python -m stack.logs follow --service softfactory --since 5m --json | jq .message

exit status: 0 ended by Ctrl-C; 1 Elasticsearch could not be asked at the start, or refused; 2 the
command line or a setting is wrong
"""

_PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Answers of an Elasticsearch that is too busy, or is starting."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `follow` takes."""
    parser.epilog = _EPILOG
    add_filters(parser)
    parser.add_argument(
        "--lines",
        type=_lines,
        default=_LINES,
        metavar="N",
        help="begin with the newest N, where there is no --since; default: %(default)s",
    )
    parser.add_argument(
        "--interval",
        type=_seconds,
        default=1.0,
        metavar="SECONDS",
        help="how often to look; default: %(default)g",
    )
    parser.add_argument(
        "--json", action="store_true", help="one document a line, as it was shipped"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print records until Ctrl-C."""
    connection = Connection.from_env()
    client = connection.client(passes_over=True)
    follower = Follower(client, filter_of(arguments), lines=arguments.lines)
    gone = answered = False
    with _ctrl_c() as ended:
        while not ended.is_set():
            try:
                for record in follower.look():
                    if arguments.json:
                        sys.stdout.write(as_json(record))
                    else:
                        print_lines(line_of(record))
                    if ended.is_set():
                        break
            except (ApiError, ConnectionError, ConnectionTimeout) as error:
                passing = not isinstance(error, ApiError) or error.status_code in _PASSING
                if not (answered and passing):
                    raise
                if not gone:
                    sys.stderr.write(f"logs: {explained(error, connection)}; waiting for it\n")
                gone = True
            else:
                gone, answered = False, True
            sys.stdout.flush()
            ended.wait(arguments.interval)
    return 0


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """Yield what is set by Ctrl-C, so that a record is printed whole."""
    ended = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: ended.set())
    try:
        yield ended
    finally:
        signal.signal(signal.SIGINT, before)


def _lines(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of lines; give 0 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.05 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no interval; give 0.05 to 3600 seconds")
    return seconds
