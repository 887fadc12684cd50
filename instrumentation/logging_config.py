"""One log record is one line of JSON, whatever is in it; the JSON encoder does all escaping.

Time is UTC with a `Z`, so that daily indices and this file agree on what a day is.
"""

import json
import logging
import math
import traceback
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

from flask import Flask, current_app, has_app_context

from instrumentation.correlation import CURRENT, RequestState
from instrumentation.edge import request_edge
from instrumentation.request_metrics import is_metrics_endpoint

_EXTENSION = "instrumentation.log_handler"
_ACCESS = logging.getLogger("instrumentation.request")
_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_REQUEST_FIELDS = ("request_id", "latency_ms", "user_id", "method", "path", "status")


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of ASCII JSON.

    Always there: `@timestamp`, `level`, `message`, `logger`, and `request_id`, `latency_ms`,
    `user_id`, `method`, `path`, `status`, which are null outside a request or before its end.
    `exception` holds the traceback; what the caller passed beside these stands under `extra`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line end."""
        state = CURRENT.get()
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        document: dict[str, Any] = {
            "@timestamp": time.replace("+00:00", "Z"),
            "level": record.levelname,
            "message": _message(record),
            "logger": record.name,
        }
        for name in _REQUEST_FIELDS:
            document[name] = _plain(getattr(record, name, getattr(state, name, None)))
        if exception := self._exception(record):
            document["exception"] = exception
        known = _OWN_ATTRIBUTES.union(_REQUEST_FIELDS)
        extra = {key: _plain(item) for key, item in vars(record).items() if key not in known}
        if extra:
            document["extra"] = extra
        return json.dumps(document, separators=(",", ":"), default=repr, allow_nan=False)

    @staticmethod
    def _exception(record: logging.LogRecord) -> str | None:
        if record.exc_info and record.exc_info[1] is not None:
            return "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")
        return record.exc_text


class _OfOneApp(logging.Filter):
    """Keeps an application's records out of another's file, where two share a process."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record was made for this application, or for none."""
        state = CURRENT.get()
        if state is not None:
            return state.app is self._app
        if has_app_context():
            return bool(current_app == self._app)  # the proxy compares what it stands for
        return True


def configure_logging(
    app: Flask, log_file: str | Path = "logs/app.log", debug: bool = False
) -> None:
    """Write the application's log, and its libraries', to `log_file` as JSON lines.

    The level is INFO, for the application's own loggers DEBUG with `debug`. A rotation that
    renames the file is followed. Configuring an application again replaces its file. Raises
    OSError when the file cannot be opened.
    """
    path = Path(log_file)
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = WatchedFileHandler(path, encoding="utf-8")
    handler.setFormatter(JsonFormatter())
    handler.addFilter(_OfOneApp(app))
    root = logging.getLogger()
    previous = app.extensions.get(_EXTENSION)
    if previous is not None:
        root.removeHandler(previous)
        previous.close()
    app.extensions[_EXTENSION] = handler
    root.addHandler(handler)
    if root.level > logging.INFO or root.level == logging.NOTSET:
        root.setLevel(logging.INFO)
    own_level = logging.DEBUG if debug else logging.INFO
    for logger in (app.logger, logging.getLogger("instrumentation")):
        logger.setLevel(own_level)


def request_logging_middleware(app: Flask) -> None:
    """Log each finished request once, and echo its `X-Request-Id` on the response.

    Requests of `/api/metrics/` are logged at DEBUG, failed ones at ERROR, others at INFO.
    """
    request_edge(app).observe(_log_request)


def _log_request(finished: RequestState) -> None:
    if finished.failed:
        level = logging.ERROR
    elif finished.endpoint is not None and is_metrics_endpoint(finished.endpoint):
        level = logging.DEBUG
    else:
        level = logging.INFO
    _ACCESS.log(
        level,
        "%s %s %d",
        finished.method,
        finished.path,
        finished.status,
        extra={
            "request_id": finished.request_id,
            "latency_ms": round(finished.latency_ms or 0.0, 3),
            "user_id": finished.user_id,
            "method": finished.method,
            "path": finished.path,
            "status": finished.status,
        },
    )


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # arguments that do not fit: show both, lose nothing
        return f"{record.msg} {record.args!r}"


def _plain(value: object) -> object:
    """Return what JSON can hold: numbers that are none (NaN) and odd keys would break the line."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value
