"""Under the development server a terminal shows what it would show without us.

Werkzeug and Flask print to it only where no handler is at the root, and ours is there. So their
handlers are put in place for them: werkzeug's own at once, as nothing but development makes it
say anything, and Flask's with werkzeug's first word.
"""

import logging
import re
import sys
import weakref

from flask import Flask
from flask.logging import default_handler

SERVER = "werkzeug"

_REQUEST_LINE = re.compile(r'HTTP/[0-9.]{1,3}(?:\x1b\[0m)?" [0-9]{3} ')


def is_request_line(record: logging.LogRecord) -> bool:
    """Tell whether the server tells of a request, as the access log does with more."""
    if record.name != SERVER or record.levelno != logging.INFO:
        return False
    return _REQUEST_LINE.search(record.getMessage()) is not None


def show_on_terminal(app: Flask, *, own_console: bool) -> None:
    """Show the server's messages, and the application's where no console of ours does."""
    logger = logging.getLogger(SERVER)
    terminal = next((one for one in logger.handlers if isinstance(one, _Terminal)), None)
    if terminal is None:
        if logger.handlers:  # the server spoke before, or the team shows it in its own way
            return
        terminal = _Terminal()
        logger.addHandler(terminal)
    if own_console:
        terminal.apps.discard(app)
    else:
        terminal.apps.add(app)


class _Terminal(logging.Handler):
    """Prints messages as they are to standard error, whatever that is by then."""

    def __init__(self) -> None:
        super().__init__()
        self.apps: weakref.WeakSet[Flask] = weakref.WeakSet()

    def emit(self, record: logging.LogRecord) -> None:
        for app in list(self.apps):
            if not app.logger.handlers:
                app.logger.addHandler(default_handler)
        try:
            if sys.stderr is not None:
                sys.stderr.write(f"{self.format(record)}\n")
                sys.stderr.flush()
        except Exception:  # noqa: BLE001  # a stream of any kind may fail in any way
            self.handleError(record)
