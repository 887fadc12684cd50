import sqlite3

from flask import current_app, g

SCHEMA = """
CREATE TABLE IF NOT EXISTS author (id INTEGER PRIMARY KEY, name TEXT UNIQUE, secret TEXT);
CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT, author_id INTEGER REFERENCES author (id),
  title TEXT NOT NULL, body TEXT NOT NULL
);
"""


def connection():
    """The request's own connection."""
    if "connection" not in g:
        g.connection = sqlite3.connect(current_app.config["DATABASE"])
        g.connection.row_factory = sqlite3.Row
    return g.connection


def close(_error=None):
    if (opened := g.pop("connection", None)) is not None:
        opened.close()


def init_app(app):
    app.teardown_appcontext(close)
    with app.app_context():
        connection().executescript(SCHEMA)
