"""The logs from the command line: ``python -m stack.logs --help``.

Design rule: what can't be done ends in one line on standard error and an exit status that is not 0;
what is found goes to standard output and what is said about it to standard error.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from elasticsearch import ApiError, TransportError

from stack.logs.connection import Connection, SettingsError
from stack.logs.failures import explained

__all__ = ["main", "parse"]

_EPILOG = """\
Elasticsearch, from the environment:
  ELASTICSEARCH_URL             default http://127.0.0.1:9200; several nodes, comma-separated
  ELASTICSEARCH_API_KEY_FILE    file with an API key, in the encoded form; or
  ELASTICSEARCH_USER            with ELASTICSEARCH_PASSWORD_FILE
  ELASTICSEARCH_CA_FILE         the authority of a private certificate

examples, in the order in which they are needed:
  python -m stack.logs setup --dry-run
  python -m stack.logs setup
  python -m stack.logs ship
  python -m stack.logs find --request-id 9d742004a5d87cee
  python -m stack.logs find --level error --since 15m
  python -m stack.logs follow --service softfactory --level warning
  python -m stack.logs prune --days 30

exit status: 0 done; 1 not done, and the last line says why; 2 the command line or a setting is
wrong; 130 ended by Ctrl-C. COMMAND --help says more of each.
"""

Run = Callable[[argparse.Namespace], int]

_COMMANDS = {
    "setup": ("stack.logs.command_setup", "install index template and retention; say what changed"),
    "ship": ("stack.logs.shipping.command", "ship the log file to Elasticsearch"),
    "find": ("stack.logs.command_find", "find records: of a request, a user, a trace, a time"),
    "follow": ("stack.logs.command_follow", "print records as they come"),
    "prune": ("stack.logs.command_prune", "delete indices of old days, by the day in their name"),
    "kibana": ("stack.logs.kibana", "import the data view, searches and dashboard into Kibana"),
}
"""Where each command is: `add_arguments(parser)` and `run(arguments) -> int`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(parse(given))
    except KeyboardInterrupt:
        return 130


def parse(given: Sequence[str]) -> argparse.Namespace:
    """Read a command line, the command's name first. Raises SystemExit for one that is wrong."""
    return _parser(given).parse_args(given)


def _run(arguments: argparse.Namespace) -> int:
    run: Run = arguments.run
    try:
        status = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has seen enough: `find ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SettingsError as error:
        print(f"logs: {error}", file=sys.stderr)
        return 2
    except (ApiError, TransportError) as error:
        print(f"logs: {explained(error, Connection.from_env())}", file=sys.stderr)
        return 1
    return status


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stack.logs",
        description="From the service's log file to Elasticsearch, and back to who asks.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, title="commands"
    )
    asked = next((word for word in given if not word.startswith("-")), None)
    for name, (home, says) in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=says,
            description=f"{says[0].upper()}{says[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == asked:  # the others need not be loaded, nor be there
            module = import_module(home)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
