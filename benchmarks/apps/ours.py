"""`instrument(app)` as it comes: metrics, request and trace ids, a JSON access record on disk.

`metrics_only` and `log_only` are its parts in the two-step form, to see where the time goes.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from benchmarks.apps.driving import requests_to, routes
from benchmarks.worker import Run
from instrumentation import InstrumentSettings, instrument
from instrumentation.logging_config import configure_logging, request_logging_middleware
from instrumentation.metrics import metrics_bp, register_metrics_middleware


def make(folder: Path) -> Run:
    """Return what makes n requests to the whole."""
    app = routes(Flask("shop", static_folder=None))
    instrument(app, settings=InstrumentSettings(), log_file=folder / "app.log")
    return requests_to(app)


def metrics_only(_folder: Path) -> Run:
    """Return what makes n requests, counted and not logged."""
    app = routes(Flask("shop", static_folder=None))
    app.register_blueprint(metrics_bp)
    register_metrics_middleware(app, settings=InstrumentSettings())
    return requests_to(app)


def log_only(folder: Path) -> Run:
    """Return what makes n requests, logged and not counted."""
    app = routes(Flask("shop", static_folder=None))
    configure_logging(app, log_file=folder / "app.log")
    request_logging_middleware(app)
    return requests_to(app)
