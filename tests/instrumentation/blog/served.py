"""The blog for a server, bare and observed in either form; it works in `BLOG_FOLDER`."""

import os
from pathlib import Path

from instrumentation import instrument
from instrumentation.logging_config import configure_logging, request_logging_middleware
from instrumentation.metrics import metrics_bp, register_metrics_middleware
from tests.instrumentation.blog import create_app


def observe_in_one_call(app, folder):
    instrument(app, log_file=folder / "app.log")


def observe_in_two_steps(app, folder):
    configure_logging(app, log_file=str(folder / "app.log"), debug=False)
    request_logging_middleware(app)
    app.register_blueprint(metrics_bp)
    register_metrics_middleware(app)


FORMS = {"one call": observe_in_one_call, "two steps": observe_in_two_steps}


def bare():
    return create_app(Path(os.environ["BLOG_FOLDER"]))


def in_one_call():
    app = bare()
    observe_in_one_call(app, Path(os.environ["BLOG_FOLDER"]))
    return app


def in_two_steps():
    app = bare()
    observe_in_two_steps(app, Path(os.environ["BLOG_FOLDER"]))
    return app
