"""The SoftFactory service from the command line: ``python -m instrumentation.demo --help``.

One rule: what can't be done ends in one line on stderr and an exit status that is not 0.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
import signal
import socket
import sys
from datetime import UTC, datetime

DEFAULT_THREADS = 16

EPILOG = """\
With no command it does what "up" does: everything for a person, on http://127.0.0.1:8000.

settings, from the environment:
  DATABASE_URL                     default sqlite:///var/softfactory.sqlite3
                                   or postgresql+psycopg://USER:PASSWORD@HOST/NAME
  STRIPE_API_KEY_FILE              file with the payment gateway's secret key
  STRIPE_API_BASE                  the payment gateway, default https://api.stripe.com
  PAYMENT_TIMEOUT_SECONDS          default 10
  DATABASE_PROBE_SECONDS           default 5
  DATABASE_PROBE_TIMEOUT_SECONDS   default 3
  BUSINESS_REFRESH_SECONDS         default 15
  BACKUP_DIR                       default var/backups
  BACKUP_STATUS_FILE               default BACKUP_DIR/last-backup.json
  DATABASE_POOL_SIZE               default none: SQLite has no pool, PostgreSQL 10 to 20
  MAINTENANCE_FILE                 while this file exists the service is not ready
  ACCOUNT_TOKENS_FILE              lines USER_ID TOKEN that admit to /api/account
  INSTRUMENT_LOG_FILE              default logs/app.log
  INSTRUMENT_SAMPLE_SECONDS        default 5; also how often the backup's record is read

examples:
  python -m instrumentation.demo
  STRIPE_API_KEY_FILE=/run/secrets/stripe python -m instrumentation.demo serve --host 0.0.0.0
  DATABASE_URL=sqlite:////srv/softfactory.sqlite3 python -m instrumentation.demo backup

more:
  python -m instrumentation.demo.gateway --help     the payment gateway's double, on its own
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    # Loaded now: --help should not wait for SQLAlchemy.
    from instrumentation.demo.backup import BackupFailed
    from instrumentation.demo.database import DatabaseUnavailable
    from instrumentation.demo.serve import PortTaken
    from instrumentation.settings import SettingsError

    try:
        match options.command:
            case "serve":
                _serve(options)
            case "backup":
                _back_up()
            case _:
                return _up(options)
    except (SettingsError, DatabaseUnavailable, PortTaken, BackupFailed) as error:
        print(f"softfactory: {error}", file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    except OSError as error:  # a folder that may not be written, a descriptor that is none
        where = error.filename or options.command
        print(f"softfactory: {where}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


def _up(options: argparse.Namespace) -> int:
    from instrumentation.demo.serve import listen
    from instrumentation.demo.up import up

    return up(listen(options.host, options.port), threads=options.threads)


def _serve(options: argparse.Namespace) -> None:
    from instrumentation.demo.serve import listen, serve

    if options.listen_fd is None:
        listener = listen(options.host, options.port)
    else:
        listener = socket.socket(fileno=options.listen_fd)
    serve(listener, threads=options.threads, end_with_parent=options.end_with_parent)


def _back_up() -> None:
    from instrumentation.demo.backup import back_up
    from instrumentation.demo.settings import DemoSettings

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # tidies up
    settings = DemoSettings.from_env()
    record = back_up(settings)
    moment = datetime.fromtimestamp(record.completed_at, UTC).isoformat(timespec="seconds")
    print(f"softfactory: backed up {record.bytes} bytes to {record.path} at {moment}")
    print(f"softfactory: recorded in {settings.backup_status_file}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m instrumentation.demo",
        description="SoftFactory, the service under test: users, payments and bookings.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command="up", host="127.0.0.1", port=8000, threads=DEFAULT_THREADS)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, says in (
        ("up", "start the service and the payment gateway's double, and say where they are"),
        ("serve", "serve under gunicorn, in the foreground, with the gateway that is configured"),
    ):
        command = commands.add_parser(name, help=says, description=f"{says.capitalize()}.")
        command.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
        command.add_argument("--port", type=int, default=8000, help="default: %(default)s")
        command.add_argument(
            "--threads",
            type=_threads,
            default=DEFAULT_THREADS,
            help="requests that are worked on at once, default: %(default)s",
        )
        if name == "serve":
            command.add_argument(
                "--end-with-parent",
                action="store_true",
                help="end when the process that started this one is gone (Linux)",
            )
            command.add_argument(
                "--listen-fd",
                type=int,
                metavar="FD",
                help="serve on this inherited socket, which listens already, not on --port",
            )
    says = "make an online backup, verify it, and record that it succeeded"
    commands.add_parser("backup", help=says, description=f"{says.capitalize()}.")
    return parser


def _threads(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
