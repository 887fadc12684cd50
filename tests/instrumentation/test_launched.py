"""An application is launched as it is: what it lacks is added, and what it has is left."""

import os
import sqlite3
import sys
import time
from contextlib import closing

import pytest
from flask import Flask

from instrumentation import instrument
from instrumentation.described import describe
from instrumentation.extension import EXTENSION
from instrumentation.launched import Unfit, launch, launcher, settle
from instrumentation.loading import load_application
from instrumentation.metrics import metrics_bp, register_metrics_middleware
from instrumentation.serving import FactoryError
from instrumentation.surroundings import Surroundings
from instrumentation.watched import SQLiteCheck, TablesGone
from stack.waiting import wait_until

NOTHING = Surroundings()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of the team's, and return its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def write(text):
        name = f"team_{os.getpid()}_{time.monotonic_ns()}"
        (tmp_path / f"{name}.py").write_text(f"from flask import Flask\n{text}")
        made.append(name)
        return name

    yield write
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def app(tmp_path, monkeypatch, clean_up):
    monkeypatch.chdir(tmp_path)
    made = Flask("team")

    @made.get("/")
    def start():
        return "here"

    @made.get("/broken")
    def broken():
        raise RuntimeError

    @made.get("/item/<int:n>")
    def item(n):
        return str(n)

    yield made
    clean_up(made)


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("app = Flask('a')", "app"),
        ("def create_app(): return Flask('a')", "create_app"),
        ("def create_app(config=None): return Flask('a')", "create_app()"),
    ],
)
def test_an_application_or_what_makes_one_is_found(module, text, attribute):
    assert load_application(f"{module(text)}:{attribute}").name == "a"


@pytest.mark.parametrize(
    ("text", "attribute", "says"),
    [
        ("app = Flask('a')", "ap", "has no 'ap'; it has app"),
        ("app = 3", "app", "is 3, no application or factory"),
        ("def create_app(): return 3", "create_app", "expected a Flask application, got 3"),
        ("def create_app(a): return 3", "create_app", r"create_app\(\) raised TypeError"),
        ("def create_app(): raise KeyError('DB')", "create_app", r"raised KeyError: 'DB' \(.*:2\)"),
        (
            "raise ValueError('no\\nway')",
            "app",
            r"importing \w+ raised ValueError: no way \(.*:2\)",
        ),
        ("import not_installed_anywhere", "app", "needs the module 'not_installed_anywhere'"),
        ("app = ", "app", "raised SyntaxError"),
    ],
)
def test_what_can_not_be_made_is_said_in_one_line_with_its_place(module, text, attribute, says):
    with pytest.raises(FactoryError, match=says) as refused:
        load_application(f"{module(text)}:{attribute}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "a", ":b", "a:", "a:b c"])
def test_a_name_of_another_form_is_refused(name):
    with pytest.raises(FactoryError, match=r"expected package\.module:factory"):
        load_application(name)


def test_what_prepares_may_print_in_any_encoding_and_its_last_words_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FactoryError, match="ended with 3: no table"):
        settle(Surroundings(prepare=("sh", "-c", r"printf '\377\nno table\n'; exit 3")))
    settle(Surroundings(prepare=("sh", "-c", r"printf '\377'; echo made >> once")))
    settle(Surroundings(prepare=("sh", "-c", "echo made >> once")))
    assert (tmp_path / "once").read_text() == "made\n"


def test_a_module_that_is_not_there_is_named(module):
    with pytest.raises(FactoryError, match="there is no module 'nowhere_at_all'"):
        load_application("nowhere_at_all.wsgi:app")


def test_nothing_is_imported_before_the_factory_is_called(module):
    name = module("app = Flask('a')")
    make = launcher(f"{name}:app")
    assert name not in sys.modules
    assert callable(make)


def test_an_application_without_instrumentation_gets_it(app):
    client = launch(app, NOTHING).test_client()
    assert client.get("/api/metrics/live").status_code == 200
    assert client.get("/").data == b"here"


def test_an_application_that_is_instrumented_is_left_as_it_is(app):
    own = instrument(app)
    assert launch(app, NOTHING).extensions[EXTENSION] is own


def test_so_is_one_by_the_two_steps(app):
    app.register_blueprint(metrics_bp)
    own = register_metrics_middleware(app, "shop")
    assert launch(app, NOTHING).extensions[EXTENSION] is own


def test_routes_in_the_way_of_the_metrics_are_named(app):
    app.add_url_rule("/api/metrics/all", view_func=lambda: "", endpoint="all")
    with pytest.raises(Unfit, match=r"/api/metrics/all.*call instrument\(app\)"):
        launch(app, NOTHING)


def test_a_file_means_maintenance_while_it_is_there(app, tmp_path):
    file = tmp_path / "maintenance"
    client = launch(app, Surroundings(maintenance_file=file)).test_client()
    assert client.get("/api/metrics/ready").status_code == 200
    file.touch()
    wait_until(
        lambda: client.get("/api/metrics/ready").status_code == 503,
        what="it to be in maintenance",  # an answer is believed for a moment
        timeout_seconds=10,
    )


def test_a_backup_is_as_old_as_its_file_and_never_made_where_there_is_none(app, tmp_path):
    file = tmp_path / "backup"
    launch(app, Surroundings(backup_file=file))
    name = "softfactory_backup_last_success_timestamp_seconds"
    registry = app.extensions[EXTENSION].registry
    assert registry.get_sample_value(name) == 0


def test_a_database_whose_tables_are_gone_can_not_be_used(tmp_path):
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file)) as made, made:
        made.execute("CREATE TABLE notes (text)")
    check = SQLiteCheck(file)
    check()
    file.rename(tmp_path / "away")
    with pytest.raises(sqlite3.OperationalError):
        check()
    assert not file.exists()
    with closing(sqlite3.connect(file)) as empty:  # as an application does that opens it anew
        empty.execute("PRAGMA user_version = 2")
        empty.commit()
        with pytest.raises(TablesGone, match="has no table notes any more"):
            check()
    (tmp_path / "away").replace(file)
    check()


def test_a_description_tells_routes_with_the_status_of_pages(app):
    said = describe(launch(app, NOTHING), instrumented=False)
    routes = {one["rule"]: one for one in said["routes"]}
    assert routes["/"]["status"] == 200
    assert routes["/broken"]["status"] == 500
    assert routes["/item/<int:n>"]["status"] == 0
    assert routes["/item/<int:n>"]["arguments"] == ["n"]
    assert not any(rule.startswith("/api/metrics") for rule in routes)
    assert {"softfactory_requests_total", "softfactory_request_capacity"} <= set(said["metrics"])


def test_surroundings_are_those_of_the_environment(tmp_path):
    found = Surroundings.from_env(
        {"LAUNCH_DATABASE_FILE": str(tmp_path / "a.db"), "LAUNCH_PROBE_SECONDS": "0.5"}
    )
    assert found.database_file == tmp_path / "a.db"
    assert found.probe_seconds == 0.5
    assert found.backup_file is None
