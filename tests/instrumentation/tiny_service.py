"""An application that the fleet's tests serve: instrumented, with one route."""

from flask import Flask

from instrumentation import instrument


def create_app():
    app = Flask("tiny", static_folder=None)
    instrument(app)
    app.add_url_rule("/ok", "ok", lambda: "ok")
    return app


def broken():
    raise ValueError("cannot be made")
