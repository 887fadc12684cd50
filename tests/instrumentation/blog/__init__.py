"""A small blog that knows nothing of its being observed, in the manner in which people learn Flask.

Its hooks, teardowns and signal receivers keep a diary, so that a test can compare what they see.
"""

import threading

from flask import Flask, got_request_exception, render_template, request, request_finished

from tests.instrumentation.blog import auth, database, exports, posts

DIARY = "blog.diary"
STRANGERS = "blog.strangers"
"""What hooks saw in any thread but the one that made the blog and talks to it."""


def create_app(folder, *, catch_all=False, **config):
    """Make a blog that works below `folder`; with `catch_all` one handler takes every exception."""
    app = Flask(__name__, instance_path=str(folder))
    app.config.from_mapping(
        SECRET_KEY="a key of the tests",
        DATABASE=str(folder / "blog.sqlite3"),
        MAX_CONTENT_LENGTH=4096,
        **config,
    )
    app.extensions[DIARY], app.extensions[STRANGERS] = [], []
    keep_diary(app)
    database.init_app(app)
    app.register_blueprint(auth.bp)
    app.register_blueprint(posts.bp)
    app.register_blueprint(exports.bp)
    app.add_url_rule("/", endpoint="index", view_func=posts.index)
    app.register_error_handler(404, lambda error: (render_template("404.html"), 404))
    app.register_error_handler(405, lambda error: ("not like that\n", 405, {"X-Handler": "405"}))
    app.register_error_handler(413, lambda error: ({"error": "too much"}, 413))
    app.register_error_handler(ArithmeticError, lambda error: (f"arithmetic: {error}\n", 500))
    if catch_all:
        app.register_error_handler(Exception, sorry)
    return app


def sorry(error):
    return {"sorry": type(error).__name__}, getattr(error, "code", 500)


def keep_diary(app):
    own = threading.get_ident()

    def note(what, detail):
        book = DIARY if threading.get_ident() == own else STRANGERS
        app.extensions[book].append((what, detail))

    @app.before_request
    def before():
        note("before", request.endpoint)

    @app.after_request
    def after(response):
        note("after", response.status_code)
        response.headers["X-Blog"] = "yes"
        return response

    @app.teardown_request
    def teardown(error):
        note("teardown", repr(error))

    @app.teardown_appcontext
    def teardown_context(error):
        note("teardown context", repr(error))

    def finished(sender, response):
        note("finished", response.status_code)

    def failed(sender, exception):
        note("failed", repr(exception))

    request_finished.connect(finished, app, weak=False)
    got_request_exception.connect(failed, app, weak=False)
