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

from stack.durations import MILLISECOND
from stack.logs.connection import Connection, SettingsError
from stack.logs.find import Found, find, newest
from stack.logs.indices import PATTERN
from stack.logs.query import LEVELS, LogFilter, to_milliseconds, written
from stack.logs.record import LogRecord
from stack.logs.timeline import listing, timeline
from stack.logs.times import moment

__all__ = ["add_arguments", "add_filters", "as_json", "filter_of", "print_lines", "run"]

_LIMIT = 200
_LAST_MILLISECOND = to_milliseconds(datetime.max.replace(tzinfo=UTC))

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
        help='all of these in message, exception or traceback: words, "a phrase", -without, begi*;'
        " where the first is a -word, write --query=-word",
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
    client = Connection.from_env().client(passes_over=True)
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
        _say(_cut(found, wanted, arguments.limit))
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
    document = dict(record.source)
    line = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    try:
        line.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON may escape and UTF-8 not hold
        line = json.dumps(document, separators=(",", ":"))
    return f"{line}\n"


def positive(text: str) -> int:
    """Read a number that is at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of records; give at least 1")
    return int(text)


def _nothing(client: Elasticsearch) -> str:
    last = newest(client)
    if last is None:
        return (
            f"no record at all in {PATTERN}; is anything shipped? python -m stack.logs ship --help"
        )
    if last.time is None:
        return "no record matches, and none of all has a time"
    return f"no record matches; the newest of all is of {written(last.time)}"


def _cut(found: Found, wanted: LogFilter, limit: int) -> str:
    said = (
        f"the newest {len(found.records):,} of {found.total:,} records;"
        f" --limit {min(found.total, 10 * limit)} shows more"
    )
    until = _behind(found.records[0])
    if until is None or until == wanted.until:  # all of it is of one millisecond
        return said
    return f"{said}, --until {written(until)} the ones before, and may repeat some"


def _behind(oldest: LogRecord) -> datetime | None:
    """Return the end of a record's millisecond: where others of it were left out, these come too.

    Elasticsearch cuts times to milliseconds, that of `--until` as well.
    """
    if oldest.time is None or oldest.time >= _LAST_MILLISECOND:
        return None
    return to_milliseconds(oldest.time) + MILLISECOND


def _say(line: str) -> None:
    sys.stdout.flush()  # what was found comes first, also where both go to one place
    sys.stderr.write(f"logs: {line}\n")


def _moment(text: str) -> datetime:
    try:
        return moment(text, now=datetime.now(UTC))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
