from flask import (
    Blueprint,
    abort,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)

from tests.instrumentation.blog.auth import author_only
from tests.instrumentation.blog.database import connection

bp = Blueprint("posts", __name__)


def index():
    query = "SELECT entry.*, name FROM entry JOIN author ON author.id = author_id ORDER BY id DESC"
    response = make_response(render_template("index.html", entries=connection().execute(query)))
    response.set_cookie("seen", "1", httponly=True)
    response.set_cookie("theme", request.args.get("theme", "light"), samesite="Lax")
    return response


@bp.route("/entries", methods=["POST"])
@author_only
def add():
    if not request.form["title"]:
        flash("A title is required.")
        return render_template("form.html", action="entries", fields=("title", "body")), 400
    with connection() as db:
        added = db.execute(
            "INSERT INTO entry (author_id, title, body) VALUES (?, ?, ?)",
            (g.author["id"], request.form["title"], request.form["body"]),
        )
    return redirect(url_for("posts.show", number=added.lastrowid), code=303)


@bp.get("/entries/<int:number>")
def show(number):
    return render_template("entry.html", entry=entry(number))


@bp.post("/entries/<int:number>")
@author_only
def edit(number):
    own_entry(number)
    with connection() as db:
        db.execute("UPDATE entry SET body = ? WHERE id = ?", (request.form["body"], number))
    flash("Saved.")
    return redirect(url_for("posts.show", number=number))


@bp.route("/api/entries/<int:number>", methods=["GET", "PUT", "DELETE"])
def api(number):
    if request.method == "GET":
        return dict(entry(number))
    own_entry(number)
    with connection() as db:
        if request.method == "DELETE":
            db.execute("DELETE FROM entry WHERE id = ?", (number,))
            return "", 204
        db.execute("UPDATE entry SET title = ? WHERE id = ?", (request.get_json()["title"], number))
    return dict(entry(number)), {"X-Changed": "title"}


def entry(number):
    found = connection().execute("SELECT * FROM entry WHERE id = ?", (number,)).fetchone()
    return found if found is not None else abort(404)


def own_entry(number):
    if g.author is None or entry(number)["author_id"] != g.author["id"]:
        abort(403, description="not yours")
