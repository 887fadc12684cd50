import functools
import sqlite3

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from werkzeug.security import check_password_hash, generate_password_hash

from tests.instrumentation.blog.database import connection

bp = Blueprint("auth", __name__, url_prefix="/auth")

METHOD = "pbkdf2:sha256:10"  # few rounds: these passwords guard nothing


@bp.before_app_request
def who_is_it():
    author_id = session.get("author_id")
    query = "SELECT * FROM author WHERE id = ?"
    g.author = connection().execute(query, (author_id,)).fetchone() if author_id else None


def author_only(view):
    @functools.wraps(view)
    def guarded(**arguments):
        if g.author is None:
            flash("Log in first.")
            return redirect(url_for("auth.login"))
        return view(**arguments)

    return guarded


@bp.route("/register", methods=["GET", "POST"])
def register():
    if request.method == "POST":
        name, secret = request.form["name"], request.form["password"]
        if not name:
            flash("A name is required.")
        else:
            try:
                with connection() as db:
                    db.execute(
                        "INSERT INTO author (name, secret) VALUES (?, ?)",
                        (name, generate_password_hash(secret, METHOD)),
                    )
            except sqlite3.IntegrityError:
                flash(f"{name} is taken.")
            else:
                return redirect(url_for("auth.login"))
    return render_template("form.html", action="register", fields=("name", "password"))


@bp.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        query = "SELECT * FROM author WHERE name = ?"
        found = connection().execute(query, (request.form["name"],)).fetchone()
        if found and check_password_hash(found["secret"], request.form["password"]):
            session.clear()
            session["author_id"] = found["id"]
            return redirect(url_for("index"))
        flash("Wrong name or password.")
    return render_template("form.html", action="login", fields=("name", "password"))


@bp.get("/logout")
def logout():
    session.clear()
    return redirect(url_for("index"))
