"""What an application is to a drill: its routes and its metrics, as one JSON object.

    python -m instrumentation.described --app package.module:factory

One rule: it is made once, as a drill would launch it, and what it prints itself is no part of the
answer, which is on standard output.
"""

import argparse
import json
import os
import sys
from http import HTTPStatus

import psutil
from flask import Flask
from werkzeug.routing import Rule

from instrumentation import gunicorn_conf
from instrumentation.extension import EXTENSION, Instrumentation
from instrumentation.launched import Unfit, is_in_the_way, launch, settle
from instrumentation.loading import load_application
from instrumentation.serving import FactoryError
from instrumentation.surroundings import Surroundings

REFUSED = 2
"""The exit status where the application can't be made; standard error says why in one line."""


def describe(app: Flask, *, instrumented: bool) -> dict[str, object]:
    """Return what an application is to a drill: its routes and the metrics that it exposes.

    Each metric is given by the name of its series, as rules select them. A route without arguments
    is asked for once, to see with which status it answers; `memory_bytes` is what is held then.
    """
    own: Instrumentation = app.extensions[EXTENSION]
    routes = [_told(app, rule) for rule in app.url_map.iter_rules() if not is_in_the_way(rule.rule)]
    own.served_by(gunicorn_conf.threads)  # as the server does that a drill launches it under
    own.requests.prime()
    names = {sample.name for family in own.registry.collect() for sample in family.samples}
    declared = {family.name for family in own.registry.collect()}
    return {
        "name": app.name,
        "instrumented": instrumented,
        "prefix": own.prefix,
        "metrics": sorted(names | declared),
        "routes": routes,
        "memory_bytes": psutil.Process().memory_info().rss,
    }


def _told(app: Flask, rule: Rule) -> dict[str, object]:
    methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    static = rule.endpoint.rpartition(".")[2] == "static"
    asked = "GET" in methods and not rule.arguments and not static
    return {
        "rule": rule.rule,
        "methods": methods,
        "endpoint": rule.endpoint,
        "arguments": sorted(rule.arguments),
        "static": static,
        "status": _status_of(app, rule.rule) if asked else 0,
    }


def _status_of(app: Flask, path: str) -> int:
    try:
        with app.test_client().get(path) as answer:
            return answer.status_code
    except Exception:  # noqa: BLE001 - an application that propagates what its server would answer
        return HTTPStatus.INTERNAL_SERVER_ERROR


def expose(app: Flask, path: str) -> str:
    """Return what a GET of `path` answers, as Prometheus would read it. Raises Unfit."""
    answer = app.test_client().get(path)
    if answer.status_code != 200:
        raise Unfit(f"metrics.path: GET {path} is answered with {answer.status}, expected 200")
    return answer.get_data(as_text=True)


def main(arguments: list[str] | None = None) -> int:
    """Make an application and say what it is; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m instrumentation.described")
    parser.add_argument("--app", required=True, metavar="package.module:factory")
    parser.add_argument("--path", action="append", default=[], metavar="FOLDER")
    parser.add_argument("--metrics-path", default="", metavar="/metrics")
    options = parser.parse_args(arguments)
    sys.path[:0] = options.path
    out = os.dup(1)
    os.dup2(2, 1)  # what the application prints is no part of the answer
    surroundings = Surroundings.from_env(os.environ)
    try:
        settle(surroundings)
        app = load_application(options.app)
        instrumented = EXTENSION in app.extensions
        said = describe(launch(app, surroundings), instrumented=instrumented)
        said["exposition"] = expose(app, options.metrics_path) if options.metrics_path else ""
    except (FactoryError, Unfit) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's error message
        return REFUSED
    with os.fdopen(out, "w") as answer:
        json.dump(said, answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
