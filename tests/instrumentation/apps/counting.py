"""An application for the tests of several workers: quick, slow, failing and streaming routes."""

import os
import subprocess
import sys
import time

from flask import Flask, Response
from prometheus_client import Counter
from werkzeug.middleware.proxy_fix import ProxyFix

from instrumentation import instrument
from instrumentation.database_probe import watch_database


def create_app():
    app = Flask("counting", static_folder=None)
    one = instrument(app)
    one.registry.forked = Counter("forked_total", "Forks.", registry=one.registry)

    @app.get("/ok")
    def ok():
        return "ok"

    @app.get("/pid")
    def pid():
        return str(os.getpid())

    @app.get("/directory")
    def directory():
        return os.environ["PROMETHEUS_MULTIPROC_DIR"]

    @app.get("/fork")
    def fork():
        """A child that counts, and ends as a program does."""
        child = os.fork()
        if child == 0:
            app.extensions["instrumentation"].registry.forked.inc()
            sys.exit(0)
        os.waitpid(child, 0)
        return str(child)

    @app.get("/load")
    def load():
        """A program that loads the application and serves nothing, as commands do."""
        program = "from tests.instrumentation.apps.counting import create_app; create_app()"
        subprocess.run([sys.executable, "-c", program], check=True)
        return "loaded"

    @app.get("/slow/<float:seconds>")
    def slow(seconds):
        time.sleep(seconds)
        return "slow"

    @app.get("/boom")
    def boom():
        raise KeyError("boom")

    @app.get("/stream/<int:chunks>")
    def stream(chunks):
        def body():
            for _ in range(chunks):
                time.sleep(0.01)
                yield b"x" * 65536

        return Response(body(), mimetype="application/octet-stream")

    return app


def create_wrapped():
    """The same inside of middleware that gunicorn is handed in its place."""
    return ProxyFix(create_app())


LOADED = []


def create_with_database():
    """A database that is down when the application is loaded, and up from then on."""
    app = create_app()

    def check():
        LOADED.append(1)
        if len(LOADED) == 1:
            raise ConnectionError("not yet")

    watch_database(app.extensions["instrumentation"], check, every_seconds=0.5)
    return app
