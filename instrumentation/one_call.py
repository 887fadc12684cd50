"""Everything in one call, in the order in which a person would write the steps."""

from collections.abc import Mapping
from pathlib import Path

from flask import Flask

from instrumentation.extension import EXTENSION, Instrumentation
from instrumentation.log_access import UserId
from instrumentation.logging_config import configure_logging, request_logging_middleware
from instrumentation.metrics import metrics_bp, register_metrics_middleware
from instrumentation.settings import DEFAULT_LOG_FILE, InstrumentSettings


def instrument(
    app: Flask,
    *,
    settings: InstrumentSettings | None = None,
    prefix: str = "softfactory",
    log_file: str | Path | None = None,
    debug: bool = False,
    constant_labels: Mapping[str, str] | None = None,
    user_id: UserId | None = None,
) -> Instrumentation:
    """Give an application its metrics, health endpoints and JSON log in one call.

    `settings` defaults to the environment's, `log_file` to that of the settings, else
    `logs/app.log`. `constant_labels` stand on every series, beside those of the settings.
    `user_id` says who asks; `request_logging_middleware` tells more. With several workers, serve
    with `instrumentation.gunicorn_conf`, so that metrics are those of all. Raises SettingsError,
    and RuntimeError at a second call for the same application.
    """
    if EXTENSION in app.extensions:
        raise RuntimeError(f"{app.name} is instrumented already")
    settings = settings or InstrumentSettings.from_env()
    configure_logging(
        app, log_file or settings.log_file or DEFAULT_LOG_FILE, debug, settings=settings
    )
    request_logging_middleware(app, settings=settings, user_id=user_id)
    app.register_blueprint(metrics_bp)
    return register_metrics_middleware(
        app, prefix, settings=settings, constant_labels=constant_labels
    )
