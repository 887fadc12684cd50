"""Where an application's log goes, and what is told of its requests.

One record is one line of JSON with the names of the Elastic Common Schema (`log_format`), without
secrets (`log_redaction`), put aside at once and written by a thread (`log_writer`) to a file that
rotates each day in UTC (`log_file`).
"""

import logging
import weakref
from pathlib import Path

from flask import Flask

from instrumentation.edge import request_edge
from instrumentation.log_access import AccessLog, UserId, UserIds
from instrumentation.log_console import ConsoleHandler
from instrumentation.log_counts import LogCounts, log_counts
from instrumentation.log_development import show_on_terminal
from instrumentation.log_file import check_log_file
from instrumentation.log_format import LineFormatter
from instrumentation.log_handler import (
    LOGS_REQUESTS,
    AppLog,
    JsonFileHandler,
    app_log,
    flush_logs,
    set_app_log,
)
from instrumentation.log_parts import Service
from instrumentation.log_redaction import Redactor, redact_text
from instrumentation.propagation import carry_requests_into_threads
from instrumentation.settings import DEFAULT_LOG_FILE, InstrumentSettings

__all__ = [
    "LogCounts",
    "configure_logging",
    "flush_logs",
    "log_counts",
    "redact_text",
    "request_logging_middleware",
]

_LOGGER = logging.getLogger(__name__)
_ASKS_USERS = "instrumentation.asks_users"


def configure_logging(
    app: Flask,
    log_file: str | Path = DEFAULT_LOG_FILE,
    debug: bool = False,
    *,
    settings: InstrumentSettings | None = None,
) -> None:
    """Write the application's log, and its libraries', to `log_file` as JSON lines.

    It lasts as long as the application does.

    The level is INFO; with `debug` it is DEBUG for the application's own loggers, and records
    are shown on standard error as well. The file is rotated each day in UTC, and a rotation from
    outside is followed. Configuring an application again replaces its file. `settings` defaults
    to the environment's. Raises SettingsError when the file cannot be made or written.
    """
    settings = settings or InstrumentSettings.from_env()
    check_log_file(Path(log_file))
    redactor = Redactor(settings.log_redact)
    file = JsonFileHandler(
        app,
        Path(log_file),
        formatter=LineFormatter(
            Service(
                name=settings.service_name or app.name,
                version=settings.service_version,
                environment=settings.environment,
            ),
            redactor=redactor,
            max_bytes=settings.log_record_max_bytes,
        ),
        counts=log_counts(app),
        retention_days=settings.log_retention_days,
        queue_max_bytes=settings.log_queue_max_bytes,
    )
    file.log_file.remove_old()
    console = ConsoleHandler(app, redactor) if debug else None
    log = AppLog(settings=settings, file=file, console=console)
    root = logging.getLogger()
    previous = app_log(app)
    if previous is not None:
        previous.take_off(root)
    set_app_log(app, log)
    weakref.finalize(app, log.take_off, root).atexit = False  # at the end logging flushes all
    root.addHandler(file)
    if log.console is not None:
        root.addHandler(log.console)
    if root.level > logging.INFO or root.level == logging.NOTSET:
        root.setLevel(logging.INFO)
    show_on_terminal(app, own_console=debug)
    own_level = logging.DEBUG if debug else logging.INFO
    for logger in (app.logger, logging.getLogger("instrumentation")):
        logger.setLevel(own_level)


def keep_log(app: Flask) -> None:
    """Set the application's log up again where `logging.config` has taken it away since."""
    log = app_log(app)
    if log is None:
        return
    for name in list(logging.root.manager.loggerDict):
        if name == app.logger.name or name.partition(".")[0] == "instrumentation":
            logging.getLogger(name).disabled = False
    if log.file not in logging.getLogger().handlers:
        debug = log.console is not None
        configure_logging(app, log.file.log_file.path, debug, settings=log.settings)
        _LOGGER.warning(
            "the log was taken off the root logger, as logging.config does, and is back: "
            "configure logging before the application is instrumented"
        )


def request_logging_middleware(
    app: Flask,
    *,
    settings: InstrumentSettings | None = None,
    user_id: UserId | None = None,
) -> None:
    """Log each finished request once, and echo its `X-Request-Id` on the response.

    Requests of `/api/metrics/` are logged at DEBUG, failed ones at ERROR, others at INFO; of
    successful ones only the share that `settings.log_sample` names for their route. What threads
    and executors log on a request's behalf carries its id. `user_id` is called in the context of
    each request and says who asks, or None; a client's own word for it is never believed.
    `settings` defaults to those that `configure_logging` had, else to the environment's.
    Raises SettingsError when the key that hashes user ids cannot be read.
    """
    log = app_log(app)
    settings = settings or (log.settings if log else InstrumentSettings.from_env())
    if user_id is not None and _ASKS_USERS not in app.extensions:
        app.extensions[_ASKS_USERS] = UserIds(app, user_id, settings.user_id_key())
    carry_requests_into_threads()
    if LOGS_REQUESTS not in app.extensions:
        app.extensions[LOGS_REQUESTS] = AccessLog(settings.log_sample)
        request_edge(app).observe(app.extensions[LOGS_REQUESTS])
