"""An application with a database, whose check hangs in the worker that a file names."""

import os
import threading
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text

from instrumentation import instrument
from instrumentation.database import watch_engine
from instrumentation.database_probe import watch_database


def create_app():
    app = Flask("database", static_folder=None)
    one = instrument(app)
    engine = create_engine("sqlite:///things.sqlite3", pool_size=2, max_overflow=1)
    watch_engine(one, engine)

    def check():
        if Path(f"hang-{os.getpid()}").exists():
            threading.Event().wait()
        if Path("broken").exists():
            raise OSError("gone")

    watch_database(one, check, every_seconds=0.1, timeout_seconds=1.0)

    @app.get("/query")
    def query():
        with engine.connect() as connection:
            connection.execute(text("SELECT 1")).all()
        return str(os.getpid())

    return app
