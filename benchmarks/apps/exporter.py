"""prometheus_flask_exporter, a request id by hand, and python-json-logger's access record.

Metrics are grouped by the route's template, as ours are; in multi-process mode they are those of
the exporter's own class for it.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter import (  # type: ignore[import-untyped]  # it ships no types
    PrometheusMetrics,
)
from prometheus_flask_exporter.multiprocess import (  # type: ignore[import-untyped]  # the same
    MultiprocessInternalPrometheusMetrics,
)

from benchmarks.apps.access_log import access_records, request_ids, write_json_log
from benchmarks.apps.driving import requests_to, routes
from benchmarks.worker import Run


def make(folder: Path) -> Run:
    """Return what makes n requests."""
    app = Flask("shop", static_folder=None)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiprocessInternalPrometheusMetrics(app, group_by="url_rule")
    else:
        PrometheusMetrics(app, group_by="url_rule", registry=CollectorRegistry())
    request_ids(app, write_json_log(folder / "app.log"))
    access_records(app)
    return requests_to(routes(app))
