"""The shipper from the command line.

Design rule: what can't be done ends in one line on stderr and an exit status that is not 0: 2 where
an option or a setting is wrong, 1 where the work could not be finished.
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stack.logs.connection import Connection, SettingsError
from stack.logs.shipping.settings import STATE_DIRECTORY, ShipperSettings
from stack.ports import LOOPBACK
from stack.yamlfile import ConfigurationError

if TYPE_CHECKING:
    from stack.logs.shipping.stopping import Stop

__all__ = ["URL_FILE", "add_arguments", "run"]

URL_FILE = "metrics.url"
"""In the state directory: where the metrics of the shipper that runs are."""

_FAILED, _MISUSED = 1, 2
_DEFAULTS = ShipperSettings(file=Path("logs/app.log"), state_directory=Path())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the shipper's options. Elasticsearch itself is named by the environment."""
    add = parser.add_argument
    add(
        "files",
        nargs="*",
        default=[str(_DEFAULTS.file)],
        metavar="FILE",
        help=f"the log file (default: {_DEFAULTS.file}); with --once several, one after the other",
    )
    add(
        "--state-directory",
        metavar="DIRECTORY",
        help=f"checkpoint and dead letters (default: {STATE_DIRECTORY} beside the file)",
    )
    add(
        "--metrics-port",
        type=int,
        default=_DEFAULTS.metrics_port,
        metavar="PORT",
        help="where /metrics is served; 0, the default, takes any free port and says which",
    )
    add("--metrics-address", default=LOOPBACK, metavar="ADDRESS", help="default: %(default)s")
    add(
        "--max-bulk-bytes",
        type=int,
        default=_DEFAULTS.max_bulk_bytes,
        metavar="BYTES",
        help="the largest bulk request (default: %(default)s)",
    )
    add(
        "--max-age-seconds",
        type=float,
        default=_DEFAULTS.max_age_seconds,
        metavar="SECONDS",
        help="how long records are gathered for one request (default: %(default)s)",
    )
    add(
        "--grace-seconds",
        type=float,
        default=_DEFAULTS.grace_seconds,
        metavar="SECONDS",
        help="how long SIGTERM may take, and how long --once tries (default: %(default)s)",
    )
    add("--once", action="store_true", help="ship what is there, and end")


def run(arguments: argparse.Namespace) -> int:
    """Ship until SIGTERM or SIGINT, or with --once what is there; return the exit status.

    Of several files none is begun after one that could not be shipped, nor after a signal, which
    then leaves work undone.
    """
    from stack.logs.shipping.lock import Taken, locked
    from stack.logs.shipping.stopping import Abandoned, Stop

    stop = Stop()
    try:
        left = deque(ShipperSettings.all_from_arguments(arguments))
        while left:
            settings = left.popleft()
            settings.state_directory.mkdir(parents=True, exist_ok=True)
            with locked(settings.state_directory):
                if failed := _ship(settings, stop):
                    return failed
            if stop.requested and left:
                _say(f"told to end: {left[0].file} and what comes after it is not begun")
                return _FAILED
    except (SettingsError, ConfigurationError) as error:
        _say(str(error))
        return _MISUSED
    except Taken as error:
        _say(str(error))
    except OSError as error:
        _say(_reason(error))
    except Abandoned as error:
        _say(f"{error}; the next start goes on from the checkpoint")
    else:
        return 0
    return _FAILED


def _ship(settings: ShipperSettings, stop: Stop) -> int:
    # Loaded now: --help and a wrong option should not wait for the client.
    from stack.logs.failures import explained
    from stack.logs.shipping.checkpoint import load_checkpoint
    from stack.logs.shipping.delivery import Delivers, Delivery, Unreachable
    from stack.logs.shipping.durable import write_whole
    from stack.logs.shipping.metrics import serving_metrics
    from stack.logs.shipping.shipper import Shipper
    from stack.logs.shipping.stopping import stopped_by_signals
    from stack.logs.shipping.tally import Tally

    state = settings.state_directory
    patience_seconds = settings.grace_seconds if settings.once else None
    checkpoint = load_checkpoint(state, settings.file)
    tally = Tally()
    connection = Connection.from_env()
    with (
        closing(connection.client()) as client,
        serving_metrics(
            tally,
            settings.file,
            address=settings.metrics_address,
            port=settings.metrics_port,
        ) as url,
        stopped_by_signals(stop, settings.grace_seconds),
    ):

        def delivery(wait: Callable[[float], None]) -> Delivers:
            return Delivery(
                client,
                max_bytes=settings.max_bulk_bytes,
                wait=wait,
                observer=tally,
                say=_say,
                explain=partial(explained, connection=connection),
                patience_seconds=patience_seconds,
            )

        write_whole(state / URL_FILE, f"{url}\n".encode())
        _say(f"ships {settings.file}; metrics at {url}")
        if not settings.file.exists():
            _say(f"{settings.file} does not exist yet; it is shipped once it does")
        shipper = Shipper(
            checkpoint,
            state,
            delivery=delivery,
            stop=stop,
            tally=tally,
            max_bulk_bytes=settings.max_bulk_bytes,
            max_age_seconds=settings.max_age_seconds,
            say=_say,
            patience_seconds=patience_seconds,
        )
        try:
            if settings.once:
                shipper.drain()
            else:
                shipper.run()
        except (Unreachable, OSError) as error:
            _say(f"{_reason(error)}; the next start goes on from the checkpoint")
            return _FAILED
    refused = sum(tally.refused.values())
    _say(f"shipped {tally.shipped} records, {refused} to the dead letters")
    return 0


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'the shipper'}: {error.strerror or error}"
    return str(error)


def _say(line: str) -> None:
    sys.stderr.write(f"log shipper: {line}\n")
    sys.stderr.flush()
