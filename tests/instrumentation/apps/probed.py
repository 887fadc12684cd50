"""An application with a quick route and one that takes as long as is asked.

Its readiness check fails in the worker that a file names.
"""

import os
import threading
from pathlib import Path

from flask import Flask

from instrumentation import instrument


def create_app():
    app = Flask("probed", static_folder=None)
    one = instrument(app)

    @one.ready_check("told by a file")
    def told_by_a_file():
        if Path(f"unready-{os.getpid()}").exists():
            raise ConnectionError("a file says so")

    @app.get("/ok")
    def ok():
        return "ok"

    @app.get("/slow/<float:seconds>")
    def slow(seconds):
        threading.Event().wait(seconds)
        return "slow"

    return app
