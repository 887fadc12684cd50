"""What is hard to pass on unchanged: streams, files, breakage and odd responses."""

import csv
import io

from flask import (
    Blueprint,
    Response,
    abort,
    after_this_request,
    current_app,
    request,
    send_from_directory,
    stream_with_context,
)

from tests.instrumentation.blog.database import connection

bp = Blueprint("exports", __name__, url_prefix="/export")


@bp.get("/entries.csv")
def entries():
    def lines():
        yield "id,title\r\n"
        for row in connection().execute("SELECT id, title FROM entry ORDER BY id"):
            line = io.StringIO()
            csv.writer(line).writerow((row["id"], f"{row['title']} for {request.path}"))
            yield line.getvalue()
        yield ""
        yield "end\r\n"

    return Response(stream_with_context(lines()), mimetype="text/csv")


@bp.get("/broken-<when>.csv")
def broken(when):
    def lines():
        if when == "late":
            yield "id,title\r\n"
        raise OSError("the disk is gone")

    return Response(lines(), mimetype="text/csv")


@bp.get("/manual")
def manual():
    name = request.args.get("name", "manual.txt")
    return send_from_directory(current_app.static_folder, name, as_attachment=True)


@bp.route("/crash", methods=["GET", "POST"])
def crash():
    raise LookupError("nobody expects this", 42)


@bp.get("/divide")
def divide():
    return str(1 // int(request.args["by"]))


@bp.get("/teapot")
def teapot():
    abort(Response("short and stout\n", status="418 I Am A Teapot"))


@bp.route("/echo", methods=["GET", "POST", "PATCH"])
def echo():
    @after_this_request
    def twice(response):
        response.headers.add("X-Twice", "1")
        response.headers.add("X-Twice", "2")
        return response

    hidden = ("Host", "Cookie")  # they hold a port and a signature
    told = sorted(f"{name}: {value}" for name, value in request.headers if name not in hidden)
    return Response([f"{line}\n" for line in (request.full_path, *told)] + [request.get_data()])
