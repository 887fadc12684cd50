"""The console is for a person at a desk: the same records, short, and coloured on a terminal."""

import logging
import sys
import time
import weakref

from flask import Flask

from instrumentation.log_development import SERVER
from instrumentation.log_fields import OWN, error_fields, message_of
from instrumentation.log_handler import is_of_app, state_of
from instrumentation.log_redaction import HIDDEN, Redactor
from instrumentation.log_values import Plain, shown_as

_COLOURS = {"DEBUG": "2", "INFO": "32", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}
_MAX_CHARACTERS = 4096


class ConsoleHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic for mypy only
    """Writes an application's records to standard error."""

    def __init__(self, app: Flask, redactor: Redactor) -> None:
        super().__init__(sys.stderr)
        self._app = weakref.ref(app)  # the root logger must not keep an application alive
        self.setFormatter(ConsoleFormatter(redactor, colour=self._on_a_terminal()))

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, if it is of this application or of none."""
        if record.name == SERVER:
            return  # the terminal shows what the server says as it is
        app = self._app()
        if app is not None and is_of_app(app, state_of(record)):
            super().emit(record)

    def _on_a_terminal(self) -> bool:
        try:
            return bool(self.stream.isatty())
        except (AttributeError, ValueError):  # no stream at all, or a closed one
            return False


class ConsoleFormatter(logging.Formatter):
    """Formats a record as level, time, message, request id and the caller's extras."""

    def __init__(self, redactor: Redactor, *, colour: bool) -> None:
        super().__init__()
        self._redactor = redactor
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the text, of several lines where there is an exception."""
        plain = Plain(self._redactor, max_characters=_MAX_CHARACTERS)
        level = f"{shown_as(record.levelname):<8}"
        if self._colour:
            level = f"\x1b[{_COLOURS.get(record.levelname, '0')}m{level}\x1b[0m"
        state = state_of(record)
        parts = [
            level,
            time.strftime("%H:%M:%S", time.gmtime(record.created)),
            _one_line(plain.text(message_of(record))),
        ]
        if state is not None:
            parts.append(f"request_id={state.request_id}")
        for name, value in vars(record).items():
            if name not in OWN:
                secret = self._redactor.is_secret(name)
                shown = HIDDEN if secret else shown_as(plain.value(value))
                parts.append(f"{_one_line(name)}={_one_line(shown)}")
        trace = error_fields(record).get("error.stack_trace", "")
        lines = plain.stack(trace).splitlines()
        return "\n".join([" ".join(parts), *map(_one_line, lines)])


def _one_line(text: str) -> str:
    """Show what would begin a line, or command a terminal, as its escape."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
