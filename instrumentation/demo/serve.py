"""The service under gunicorn, in the foreground.

One rule: whatever keeps it from serving is said in one line before the server starts.
"""

from __future__ import annotations

import os
import socket
import sys

from instrumentation import InstrumentSettings, serving
from instrumentation.demo.accounts import Accounts
from instrumentation.demo.app import create_app
from instrumentation.demo.database import Database
from instrumentation.demo.settings import DemoSettings, read_api_key
from instrumentation.lifeline import die_with_parent

BACKLOG = 512


class PortTaken(Exception):
    """The address can't be listened on; the message is one line."""


def serve(listener: socket.socket, *, threads: int, end_with_parent: bool = False) -> None:
    """Serve until told to end, which is by ``SystemExit`` with the server's status.

    Args:
        listener: the socket, as ``listen`` gives it.
        threads: how many requests are worked on at once.
        end_with_parent: end when the process that started this one is gone, however it ended.

    Raises:
        SettingsError: a setting can't be used.
        DatabaseUnavailable: the database can't be opened or created.
    """
    if end_with_parent:
        die_with_parent(os.getppid())
    _check_settings()
    sys.stdout.write(f"softfactory: listening on {address_of(listener)}\n")
    sys.stdout.flush()
    serving.serve(
        create_app,
        bind=f"fd://{listener.detach()}",
        threads=threads,
        end_with_parent=end_with_parent,
    )


def listen(host: str, port: int) -> socket.socket:
    """Listen here, not in gunicorn, which would try for five seconds and say it in ten lines.

    Args:
        host: the address to listen on.
        port: the port, 0 lets the system choose.

    Raises:
        PortTaken: the address can't be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PortTaken(
            f"can't listen on {host}:{port}: {reason}; choose another port with --port"
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL that a socket listens for."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _check_settings() -> None:
    """Refuse here, in the parent, what would let each worker die with a traceback."""
    settings = DemoSettings.from_env()
    if settings.stripe_api_key_file is not None:
        read_api_key(settings.stripe_api_key_file)
    Accounts.of(settings.account_tokens_file)
    InstrumentSettings.from_env().fault_secret()
    database = Database(
        settings.database_url, probe_timeout_seconds=settings.database_probe_timeout_seconds
    )
    try:
        database.create()
    finally:
        database.close()  # no connection is shared with the worker that is forked later
