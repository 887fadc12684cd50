"""`python -m stack.logs prune`: what it takes, and what it says.

Design rule: without --yes it only shows; with it, it deletes exactly what it would have shown.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from stack.logs.connection import Connection
from stack.logs.days import number_of_days
from stack.logs.indices import PREFIX
from stack.logs.lifecycle import RETENTION_DAYS
from stack.logs.prune import Sorted, delete, log_indices, sort_out

__all__ = ["add_arguments", "run"]

_EPILOG = f"""\
For a cluster without lifecycle policies; `setup` says whether yours has them. Only indices with
exactly the name {PREFIX}YYYY.MM.DD are looked at, today's and later ones are kept, and
each record is kept for at least N full days (UTC).

examples:
  python -m stack.logs prune --days 30            what would be deleted
  python -m stack.logs prune --days 30 --yes      delete it; once a day, from cron or a timer

exit status: 0 shown, or with --yes deleted; 1 Elasticsearch could not be asked or refused; 2 the
command line or a setting is wrong
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `prune` takes."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "--days",
        type=number_of_days,
        default=RETENTION_DAYS["production"],
        metavar="N",
        help="keep the last N days; default: %(default)s",
    )
    parser.add_argument("--yes", action="store_true", help="delete, instead of showing")


def run(arguments: argparse.Namespace) -> int:
    """Show the indices that are too old, or delete them."""
    client = Connection.from_env().client(passes_over=True)
    today = datetime.now(UTC).date()
    found = sort_out(log_indices(client), today=today, days=arguments.days)
    _show(found, deleting=arguments.yes)
    if not found.old:
        return 0
    if not arguments.yes:
        print("nothing was deleted; delete with --yes")
        return 0
    delete(client, found.old)
    print(f"deleted {len(found.old)} indices")
    return 0


def _show(found: Sorted, *, deleting: bool) -> None:
    for index in found.old:
        verb = "delete" if deleting else "would delete"
        print(f"{verb}  {index.name}  {index.documents:,} records  {index.bytes / 1e6:,.1f} MB")
    freed = sum(index.bytes for index in found.old) / 1e6
    first = f", the oldest {found.kept[0].name}" if found.kept else ""
    print(f"{len(found.old)} too old ({freed:,.1f} MB), {len(found.kept)} kept{first}")
