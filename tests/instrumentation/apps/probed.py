"""An application with a readiness check, a quick route and one that takes as long as is asked."""

import threading

from flask import Flask

from instrumentation import instrument


def create_app():
    app = Flask("probed", static_folder=None)
    one = instrument(app)
    one.ready_check("nothing")(lambda: None)

    @app.get("/ok")
    def ok():
        return "ok"

    @app.get("/slow/<float:seconds>")
    def slow(seconds):
        threading.Event().wait(seconds)
        return "slow"

    return app
