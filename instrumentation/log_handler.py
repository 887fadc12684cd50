"""The handler of one application's log: what it takes is formatted at once and written later."""

import logging
import weakref
from pathlib import Path
from typing import NamedTuple

from flask import Flask, current_app, has_app_context

from instrumentation.correlation import CURRENT, RequestState
from instrumentation.log_counts import BY_NUMBER, LogCounts, counted_as
from instrumentation.log_development import SERVER, is_request_line
from instrumentation.log_fields import FinishedRecord
from instrumentation.log_file import DAY_SECONDS, LogFile
from instrumentation.log_format import LineFormatter
from instrumentation.log_writer import FLUSH_SECONDS, LogWriter
from instrumentation.settings import InstrumentSettings

_EXTENSION = "instrumentation.log"

LOGS_REQUESTS = "instrumentation.logs_requests"
"""The extension that is there where an application's requests are logged."""


class AppLog(NamedTuple):
    """The handlers that one application's log has now: its file, and with `debug` the console."""

    settings: InstrumentSettings
    file: "JsonFileHandler"
    console: logging.Handler | None

    def take_off(self, logger: logging.Logger) -> None:
        """Have the logger write here no more, and write what waits."""
        for handler in (self.file, self.console):
            if handler is not None:
                logger.removeHandler(handler)
                handler.close()


def app_log(app: Flask) -> AppLog | None:
    """Return the application's log, or None before it is configured."""
    log: AppLog | None = app.extensions.get(_EXTENSION)
    return log


def set_app_log(app: Flask, log: AppLog) -> None:
    """Let `log` be the application's."""
    app.extensions[_EXTENSION] = log


def flush_logs(app: Flask, timeout_seconds: float = FLUSH_SECONDS) -> bool:
    """Wait until what the application has logged is in its file; tell whether it is."""
    log = app_log(app)
    return log is None or log.file.flush_within(timeout_seconds)


def state_of(record: logging.LogRecord) -> RequestState | None:
    """Return the request that a record belongs to."""
    return record.request_state if isinstance(record, FinishedRecord) else CURRENT.get()


def is_of_app(app: Flask, state: RequestState | None) -> bool:
    """Tell whether what is logged now is of this application, or of none in particular."""
    if state is not None:
        return state.app is app
    if has_app_context():
        return bool(current_app == app)  # the proxy compares what it stands for
    return True


class JsonFileHandler(logging.Handler):
    """Writes an application's records, and those of no application, to its file as JSON lines.

    `period_seconds` is for tests: how often the file is rotated.
    """

    def __init__(
        self,
        app: Flask,
        path: Path,
        *,
        formatter: LineFormatter,
        counts: LogCounts,
        retention_days: int,
        queue_max_bytes: int,
        period_seconds: int = DAY_SECONDS,
    ) -> None:
        super().__init__()
        self._app = weakref.ref(app)  # the root logger must not keep an application alive
        self._lines = formatter
        self._counts = counts
        self.log_file = LogFile(
            path, retention_periods=retention_days, period_seconds=period_seconds
        )
        self._writer = LogWriter(
            self.log_file,
            max_bytes=queue_max_bytes,
            counts=counts,
            in_child=formatter.begin_process,
        )

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record, without the lock of other handlers: the queue has its own."""
        state = record.request_state if type(record) is FinishedRecord else CURRENT.get()
        app = self._app()
        if app is None:
            return False
        if state is not None:  # what `is_of_app` asks, without a call for each record
            if state.app is not app:
                return False
        elif has_app_context() and current_app != app:
            return False
        if record.name == SERVER and LOGS_REQUESTS in app.extensions and is_request_line(record):
            return False  # our own record of the request tells more
        if self.filters and not self.filter(record):
            return False
        self._take(record, state)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record that somebody hands over past the filters."""
        self._take(record, state_of(record))

    def _take(self, record: logging.LogRecord, state: RequestState | None) -> None:
        try:
            level = BY_NUMBER.get(record.levelno) or counted_as(record.levelno)
            line = self._lines.line(record, state)
        except Exception:  # noqa: BLE001  # a log must never fail the request that it tells of
            self._counts.lose("format_failed")
            return
        self._writer.put(line, level)

    def flush_within(self, timeout_seconds: float) -> bool:
        """Wait until everything so far is written, or lost; tell whether it is."""
        return self._writer.flush(timeout_seconds)

    def flush(self) -> None:
        """Wait likewise, as the end of the interpreter does."""
        self._writer.flush()

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._writer.close()
        super().close()
