"""`python -m stack.logs find`: what it takes, and what it prints.

Design rule: records go to standard output, all else to standard error, so that `--json` may be
piped on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from elasticsearch import Elasticsearch
from rich.console import Console
from rich.text import Text

from stack.logs.connection import Connection, SettingsError
from stack.logs.find import Found, find, newest_time
from stack.logs.indices import PATTERN
from stack.logs.query import LEVELS, LogFilter, written
from stack.logs.record import LogRecord
from stack.logs.timeline import listing, timeline
from stack.logs.times import moment

__all__ = ["add_arguments", "add_filters", "as_json", "filter_of", "print_lines", "run"]

_LIMIT = 200

_EPILOG = """\
With --request-id or --trace it is a timeline: who asked for what, and each record by its offset
from the first, with its traceback below. Else it is a list. The newest are shown, oldest first.

examples:
  python -m stack.logs find --request-id 9d742004a5d87cee
  python -m stack.logs find --user 17 --since 2h --level warning
  python -m stack.logs find --service shop --since 2030-05-17T08:30Z --until 2030-05-17T08:45Z
  python -m stack.logs find --query '"connection reset" -cache pay*' --since 1d
  python -m stack.logs find --level error --since 1h --json | jq -r '."error.type"' | sort | uniq -c

exit status: 0 something was found; 1 nothing was, or Elasticsearch could not be asked; 2 the
command line or a setting is wrong
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `find` takes."""
    parser.epilog = _EPILOG
    add_filters(parser)
    parser.add_argument("--until", type=_moment, metavar="TIME", help="before that time")
    parser.add_argument(
        "--limit",
        type=positive,
        default=_LIMIT,
        metavar="N",
        help="the newest N at most; default: %(default)s",
    )
    parser.add_argument(
        "--json", action="store_true", help="one document a line, as it was shipped"
    )


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which records, but for `--until`."""
    parser.add_argument("--request-id", metavar="ID", help="as in the response's X-Request-Id")
    parser.add_argument("--user", metavar="ID", help="the user's id, as the log has it")
    parser.add_argument("--trace", metavar="ID", help="the trace's id")
    parser.add_argument("--service", metavar="NAME", help="the service's name")
    parser.add_argument(
        "--level", choices=LEVELS, metavar="LEVEL", help=f"at least: {' '.join(LEVELS)}"
    )
    parser.add_argument(
        "--since",
        type=_moment,
        metavar="TIME",
        help="15m, 2h, 1d ago, or a time such as 2030-05-17T08:30Z",
    )
    parser.add_argument(
        "--query",
        metavar="WORDS",
        help='all of these in message, exception or traceback; "a phrase", -without, begi*',
    )


def filter_of(arguments: argparse.Namespace) -> LogFilter:
    """Return the filter that was asked for. Raises SettingsError for one that makes no sense."""
    try:
        return LogFilter(
            request_id=arguments.request_id,
            user=arguments.user,
            trace=arguments.trace,
            service=arguments.service,
            level=arguments.level,
            since=arguments.since,
            until=getattr(arguments, "until", None),
            query=arguments.query,
        )
    except ValueError as error:
        raise SettingsError(str(error)) from error


def run(arguments: argparse.Namespace) -> int:
    """Print what is found; 1 where nothing is."""
    wanted = filter_of(arguments)
    client = Connection.from_env().client()
    found = find(client, wanted, limit=arguments.limit)
    if not found.records:
        _say(_nothing(client))
        return 1
    if arguments.json:
        for record in found.records:
            sys.stdout.write(as_json(record))
    else:
        one_story = wanted.request_id is not None or wanted.trace is not None
        print_lines((timeline if one_story else listing)(found.records))
    if found.left_out:
        _say(_cut(found, arguments.limit))
    return 0


def print_lines(lines: Iterable[Text]) -> None:
    """Print lines as they are long, with colours on a terminal only."""
    console = _Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(line)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command what that means; rich would end with status 1."""
        raise


def as_json(record: LogRecord) -> str:
    """Return the document as one line of JSON, its end included."""
    return json.dumps(dict(record.source), ensure_ascii=False, separators=(",", ":")) + "\n"


def positive(text: str) -> int:
    """Read a number that is at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of records; give at least 1")
    return int(text)


def _nothing(client: Elasticsearch) -> str:
    newest = newest_time(client)
    if newest is None:
        return (
            f"no record at all in {PATTERN}; is anything shipped? python -m stack.logs ship --help"
        )
    return f"no record matches; the newest of all is of {written(newest)}"


def _cut(found: Found, limit: int) -> str:
    oldest = written(found.records[0].time)
    return (
        f"the newest {len(found.records):,} of {found.total:,} records;"
        f" --limit {min(found.total, 10 * limit)} shows more, --until {oldest} the ones before"
    )


def _say(line: str) -> None:
    sys.stdout.flush()  # what was found comes first, also where both go to one place
    sys.stderr.write(f"logs: {line}\n")


def _moment(text: str) -> datetime:
    try:
        return moment(text, now=datetime.now(UTC))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
