"""The three routes of every contender, for a real server: bare, and instrumented."""

from __future__ import annotations

from flask import Flask

from benchmarks.apps.driving import routes


def bare() -> Flask:
    """Make the application alone."""
    return routes(Flask("shop", static_folder=None))


def instrumented() -> Flask:
    """Make the application with all that observes it."""
    from instrumentation import instrument  # the bare application must not pay for this import

    app = bare()
    instrument(app)
    return app
