"""Small instrumented applications, whose threads and log handlers end with the test."""

import logging
import os

import pytest
from flask import Flask

from instrumentation import InstrumentSettings, instrument

SECRET = b"a secret of the tests, long enough"


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "fault-secret"
    path.write_bytes(SECRET + b"\n")
    return path


class Clock:
    """What is asked for the time, and says what a test has set."""

    now = 10_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=[True, False], ids=["workers", "alone"])
def directory(request, tmp_path):
    """The folder that workers share; None for a process alone."""
    return tmp_path if request.param else None


def flush_all():
    for handler in logging.getLogger().handlers:
        handler.flush()


@pytest.fixture
def read_log(tmp_path):
    """The lines of an application's log so far."""

    def read(name="app.log"):
        flush_all()
        return (tmp_path / name).read_text().splitlines()

    return read


@pytest.fixture
def clean_up():
    """Take an application for cleaning up after the test."""
    root = logging.getLogger()
    level, handlers, apps = root.level, list(root.handlers), []
    yield apps.append
    for app in apps:
        if one := app.extensions.get("instrumentation"):
            one.stop()
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.fixture
def make_app(tmp_path, clean_up):
    """Make an instrumented application with a few routes; settings are given by name."""

    def make(name="service", *, prefix="softfactory", log_file=None, debug=False, **settings):
        app = Flask(name, static_folder=None)
        settings.setdefault("sample_seconds", 0.05)
        instrument(
            app,
            settings=InstrumentSettings(**settings),
            prefix=prefix,
            log_file=log_file or tmp_path / "app.log",
            debug=debug,
        )
        clean_up(app)

        @app.get("/ok")
        def ok():
            app.logger.info("inside %s", "ok")
            return {"ok": True}

        @app.route("/items/<int:item>", methods=["GET", "POST"])
        def items(item):
            return {"item": item}

        @app.get("/boom")
        def boom():
            raise KeyError("first line\nsecond line")

        return app

    return make


@pytest.fixture
def ask():
    """Make one request and read its answer to the end, as a server would have written it."""

    def open_and_read(app, path, method="GET", **options):
        with app.test_client().open(path, method=method, **options) as response:
            response.get_data()
            return response

    return open_and_read


@pytest.fixture
def value():
    """Read one sample from an application's exposition, by its whole name with labels."""

    def read(app, sample):
        text = app.test_client().get("/api/metrics/prometheus").text
        found = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        values = {name: float(number) for name, _, number in found}
        assert sample in values, f"no {sample} among\n" + "\n".join(values)
        return values[sample]

    return read


@pytest.fixture
def open_umask():
    """Have nothing masked, as a process of another's may."""
    before = os.umask(0)
    yield
    os.umask(before)
