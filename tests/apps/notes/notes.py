"""Notes in a file: one module, one application object, no metrics, as a tutorial leaves it."""

import os
import sqlite3
from contextlib import closing

from flask import Flask, jsonify, request

app = Flask(__name__)
DATABASE = os.environ["NOTES_DATABASE"]


def connect():
    return closing(sqlite3.connect(DATABASE, timeout=0.5))


with connect() as database, database:
    database.execute("CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL)")


@app.get("/notes")
def read():
    with connect() as database:
        return jsonify([text for (text,) in database.execute("SELECT text FROM notes LIMIT 10")])


@app.post("/notes")
def write():
    with connect() as database, database:
        database.execute("INSERT INTO notes VALUES (?)", [request.get_json().get("text", "")])
    return jsonify(kept=True), 201


@app.get("/about")
def about():
    return "notes"
