"""The six endpoints as a Flask blueprint; `instrumentation.endpoints` knows what they answer."""

from collections.abc import Mapping

from flask import Blueprint, Flask, Response, current_app, request

from instrumentation.endpoints import DEFAULT_URL_PREFIX, answer
from instrumentation.extension import EXTENSION, Instrumentation
from instrumentation.request_metrics import BLUEPRINT_NAME
from instrumentation.settings import InstrumentSettings

metrics_bp = Blueprint(BLUEPRINT_NAME, __name__, url_prefix=DEFAULT_URL_PREFIX)


def register_metrics_middleware(
    app: Flask,
    prefix: str = "softfactory",
    *,
    settings: InstrumentSettings | None = None,
    constant_labels: Mapping[str, str] | None = None,
) -> Instrumentation:
    """Count the application's requests and sample its resources; metrics start with `prefix`.

    `settings` defaults to the environment's. Raises SettingsError, and RuntimeError at a second
    call for the same application.
    """
    return Instrumentation(
        app,
        settings=settings or InstrumentSettings.from_env(),
        prefix=prefix,
        constant_labels=constant_labels,
    )


@metrics_bp.get("/health")
def health() -> Response:
    """Say that the process answers, with its name and uptime. No I/O."""
    return _respond("health")


@metrics_bp.get("/live")
def live() -> Response:
    """Say that the process answers, and nothing else. No I/O."""
    return _respond("live")


@metrics_bp.get("/ready")
def ready() -> Response:
    """Run the registered checks: 200 when traffic may come, 503 when a critical one failed."""
    return _respond("ready")


@metrics_bp.get("/prometheus")
def prometheus() -> Response:
    """Expose the metrics in a format that Prometheus reads."""
    return _respond("prometheus")


@metrics_bp.get("/errors")
def errors() -> Response:
    """Give error rates over 1, 5 and 15 minutes, the last errors, and all by type."""
    return _respond("errors")


@metrics_bp.get("/summary")
def summary() -> Response:
    """Give people the whole picture: limits in force, use, requests, latency, faults, tasks."""
    return _respond("summary")


def _respond(name: str) -> Response:
    given = answer(_instrumentation(), name, request.environ)
    return Response(given.body, status=given.status, headers=given.header_list())


def _instrumentation() -> Instrumentation:
    one = current_app.extensions.get(EXTENSION)
    if not isinstance(one, Instrumentation):
        raise RuntimeError(
            f"metrics_bp is registered on {current_app.name}, but its metrics are not: call "
            "register_metrics_middleware(app), or instrument(app) instead of both"
        )
    return one
