"""Any Flask application as a drill launches it: made where it serves, instrumented unless it is.

    python -m instrumentation.launched --app package.module:factory

One rule: nothing of the application is imported before the instance's environment and folder are
its own, and what it lacks is added from outside, without a change of its code. The command above
makes the application once and tells on standard output, as one JSON object, what it is.
"""

import argparse
import importlib
import json
import os
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psutil
from flask import Flask
from werkzeug.routing import Rule

from instrumentation import gunicorn_conf
from instrumentation.endpoints import DEFAULT_URL_PREFIX
from instrumentation.extension import EXTENSION, Instrumentation
from instrumentation.one_call import instrument
from instrumentation.serving import AppFactory, FactoryError

PROBE_SECONDS, PROBE_TIMEOUT_SECONDS = 5.0, 3.0
"""Those of `watch_database`, where nothing else is said."""

PREPARED = ".prepared"
"""Is in an instance's folder once its command was run there: a restart finds what was made."""

REFUSED = 2
"""The exit status where the application can't be made; standard error says why in one line."""


class Unfit(Exception):
    """The application was made and can't be drilled as it is; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an instance is told beside its own environment, by variables of the drill's.

    Attributes:
        working_directory: where it runs; None for the instance's own folder.
        prepare: a command that is run once in the instance's folder before the application is made.
        maintenance_file: means that it is not ready, while it is there.
        database_file: the SQLite file that is watched for it, if it does not watch it itself.
        backup_file: the file of the last backup, whose time is watched for it.
        probe_seconds, probe_timeout_seconds: how often the database is asked, and for how long.
    """

    working_directory: Path | None = None
    prepare: tuple[str, ...] = ()
    maintenance_file: Path | None = None
    database_file: Path | None = None
    backup_file: Path | None = None
    probe_seconds: float = PROBE_SECONDS
    probe_timeout_seconds: float = PROBE_TIMEOUT_SECONDS

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Surroundings":
        """Read the `LAUNCH_*` variables; one that is unset takes its default."""

        def path(name: str) -> Path | None:
            return Path(text) if (text := environ.get(f"LAUNCH_{name}")) else None

        return cls(
            working_directory=path("WORKING_DIRECTORY"),
            prepare=tuple(json.loads(environ.get("LAUNCH_PREPARE") or "[]")),
            maintenance_file=path("MAINTENANCE_FILE"),
            database_file=path("DATABASE_FILE"),
            backup_file=path("BACKUP_FILE"),
            probe_seconds=float(environ.get("LAUNCH_PROBE_SECONDS", PROBE_SECONDS)),
            probe_timeout_seconds=float(
                environ.get("LAUNCH_PROBE_TIMEOUT_SECONDS", PROBE_TIMEOUT_SECONDS)
            ),
        )


def launcher(name: str) -> AppFactory:
    """Return the factory of a launched application; nothing is imported before it is called.

    The factory raises FactoryError, and Unfit.
    """

    def make() -> Flask:
        surroundings = Surroundings.from_env(os.environ)
        settle(surroundings)
        return launch(load_application(name), surroundings)

    return make


def settle(surroundings: Surroundings) -> None:
    """Go where the application runs, and prepare it, unless that was done before.

    Raises FactoryError with the last words of the command that prepares it.
    """
    done = Path(PREPARED).absolute()
    if surroundings.working_directory is not None:
        os.chdir(surroundings.working_directory)
    if not surroundings.prepare or done.exists():
        return
    beside = str(Path(sys.executable).parent)  # where a command of the same environment is
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(filter(None, (beside, os.environ.get("PATH")))),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    shown = " ".join(surroundings.prepare)
    try:
        ran = subprocess.run(
            surroundings.prepare, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise FactoryError(f"prepare: {shown}: {error.strerror}") from error
    if ran.returncode != 0:
        said = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
        last = said[-1] if said else "nothing was said"
        raise FactoryError(f"prepare: {shown} ended with {ran.returncode}: {last}")
    done.touch()


def load_application(name: str) -> Flask:
    """Import `package.module:attribute` and return the application that it is, or makes.

    Raises FactoryError, which says at which part it failed and where in the application's code.
    """
    module_name, separator, attribute = name.partition(":")
    attribute = attribute.removesuffix("()")
    if not (separator and module_name and attribute.isidentifier()):
        raise FactoryError(f"{name!r}: expected package.module:factory, or package.module:app")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise FactoryError(
                f"{name!r}: {module_name} needs the module {error.name!r}, which is not installed "
                f"beside the toolkit{_place_of(error)}"
            ) from error
        places = [place for place in sys.path if place not in ("", os.getcwd())]  # noqa: PTH109
        here = ", ".join(places[:2])
        raise FactoryError(
            f"{name!r}: there is no module {error.name!r}; looked first in {here}"
        ) from error
    except Exception as error:
        raise FactoryError(f"{name!r}: importing {module_name} raised {_said(error)}") from error
    found = getattr(module, attribute, None)
    if found is None:
        known = _applications_of(module) or "no application and no factory"
        raise FactoryError(f"{name!r}: {module_name} has no {attribute!r}; it has {known}")
    if not isinstance(found, Flask):
        if not callable(found):
            raise FactoryError(f"{name!r}: {attribute!r} is {found!r}, no application or factory")
        try:
            found = found()
        except Exception as error:
            raise FactoryError(f"{name!r}: {attribute}() raised {_said(error)}") from error
    if not isinstance(found, Flask):
        raise FactoryError(f"{name!r}: expected a Flask application, got {found!r}")
    return found


def launch(app: Flask, surroundings: Surroundings) -> Flask:
    """Instrument an application unless it is, and have watched what it does not watch itself.

    Raises Unfit where another part of it answers below the path of the metrics.
    """
    own = app.extensions.get(EXTENSION)
    if own is None:
        taken = [one.rule for one in app.url_map.iter_rules() if _in_the_way(one.rule)]
        if taken:
            raise Unfit(
                f"{app.name} has routes of its own below {DEFAULT_URL_PREFIX} "
                f"({', '.join(sorted(taken)[:3])}), where the toolkit's metrics would be; call "
                "instrument(app) in the application, or move them"
            )
        own = instrument(app)
    _watch(own, surroundings)
    return app


def _in_the_way(rule: str) -> bool:
    return f"{rule}/".startswith(f"{DEFAULT_URL_PREFIX}/")


def _watch(instrumentation: Instrumentation, surroundings: Surroundings) -> None:
    if (file := surroundings.maintenance_file) is not None:

        @instrumentation.ready_check("drill-maintenance")
        def no_maintenance() -> None:
            if file.exists():
                raise UnderMaintenance(f"{file} exists: remove it to take requests again")

    if (database := surroundings.database_file) is not None:
        from instrumentation.database_probe import watch_database

        watch_database(
            instrumentation,
            SQLiteCheck(database),
            every_seconds=surroundings.probe_seconds,
            timeout_seconds=surroundings.probe_timeout_seconds,
        )
    if surroundings.backup_file is not None:
        _watch_backup(instrumentation, surroundings.backup_file)


class UnderMaintenance(Exception):
    """Somebody has said that no requests should come."""


class TablesGone(Exception):
    """The file is there, and what was in it is not."""


class SQLiteCheck:
    """Whether a database can be used: its tables are there, and a write is taken and rolled back.

    An application that opens a file which is gone makes an empty one, of which every plain question
    is answered: so the tables that were seen once must be there from then on. The check itself
    makes no file. Raises sqlite3.Error, and TablesGone.
    """

    def __init__(self, file: Path) -> None:
        self._address = f"{file.resolve().as_uri()}?mode=rw"
        self._file = file
        self._known: frozenset[str] = frozenset()

    def __call__(self) -> None:
        """Ask once; raises as said above."""
        with closing(sqlite3.connect(self._address, uri=True, isolation_level=None)) as asked:
            rows = asked.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = frozenset(str(name) for (name,) in rows)
            if gone := sorted(self._known - tables):
                raise TablesGone(f"{self._file} has no table {', '.join(gone)} any more")
            self._known = tables
            asked.execute("BEGIN IMMEDIATE")
            asked.execute("PRAGMA user_version = 1")
            asked.execute("ROLLBACK")


def _watch_backup(instrumentation: Instrumentation, file: Path) -> None:
    from prometheus_client import Gauge

    gauge = Gauge(
        f"{instrumentation.prefix}_backup_last_success_timestamp_seconds",
        "When the file of the last backup was written; 0 when there is none.",
        registry=instrumentation.registry,
        multiprocess_mode="mostrecent",
    )

    def read_time() -> None:
        try:
            gauge.set(file.stat().st_mtime)
        except FileNotFoundError:
            gauge.set(0.0)

    read_time()
    instrumentation.background("backup-file", read_time, instrumentation.settings.sample_seconds)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}{_place_of(error)}"


def _place_of(error: BaseException) -> str:
    """Return where in the application's own code an error came from, as " (file:line)"."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        of_toolkit = file.parent == Path(__file__).parent
        if not (of_toolkit or frame.filename.startswith("<") or "importlib" in file.parts):
            return f" ({frame.filename}:{frame.lineno})"
    return ""


def _applications_of(module: Any) -> str:
    names = [
        name
        for name, value in vars(module).items()
        if isinstance(value, Flask) or (name.startswith(("create_", "make_")) and callable(value))
    ]
    return ", ".join(sorted(names))


def describe(app: Flask, *, instrumented: bool) -> dict[str, object]:
    """Return what an application is to a drill: its routes and the metrics that it exposes.

    Each metric is given by the name of its series, as rules select them. A route without arguments
    is asked for once, to see with which status it answers; `memory_bytes` is what is held then.
    """
    own: Instrumentation = app.extensions[EXTENSION]
    routes = [_told(app, rule) for rule in app.url_map.iter_rules() if not _in_the_way(rule.rule)]
    own.served_by(gunicorn_conf.threads)  # as the server does that a drill launches it under
    own.requests.prime()
    names = {sample.name for family in own.registry.collect() for sample in family.samples}
    declared = {family.name for family in own.registry.collect()}
    return {
        "name": app.name,
        "instrumented": instrumented,
        "prefix": own.prefix,
        "metrics": sorted(names | declared),
        "routes": routes,
        "memory_bytes": psutil.Process().memory_info().rss,
    }


def _told(app: Flask, rule: Rule) -> dict[str, object]:
    methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    static = rule.endpoint.rpartition(".")[2] == "static"
    asked = "GET" in methods and not rule.arguments and not static
    return {
        "rule": rule.rule,
        "methods": methods,
        "endpoint": rule.endpoint,
        "arguments": sorted(rule.arguments),
        "static": static,
        "status": _status_of(app, rule.rule) if asked else 0,
    }


def _status_of(app: Flask, path: str) -> int:
    try:
        with app.test_client().get(path) as answer:
            return answer.status_code
    except Exception:  # noqa: BLE001 - an application that propagates what its server would answer
        return HTTPStatus.INTERNAL_SERVER_ERROR


def expose(app: Flask, path: str) -> str:
    """Return what a GET of `path` answers, as Prometheus would read it. Raises Unfit."""
    answer = app.test_client().get(path)
    if answer.status_code != 200:
        raise Unfit(f"metrics.path: GET {path} is answered with {answer.status}, expected 200")
    return answer.get_data(as_text=True)


def main(arguments: list[str] | None = None) -> int:
    """Make an application and say what it is; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m instrumentation.launched")
    parser.add_argument("--app", required=True, metavar="package.module:factory")
    parser.add_argument("--path", action="append", default=[], metavar="FOLDER")
    parser.add_argument("--metrics-path", default="", metavar="/metrics")
    options = parser.parse_args(arguments)
    sys.path[:0] = options.path
    out = os.dup(1)
    os.dup2(2, 1)  # what the application prints is no part of the answer
    surroundings = Surroundings.from_env(os.environ)
    try:
        settle(surroundings)
        app = load_application(options.app)
        instrumented = EXTENSION in app.extensions
        said = describe(launch(app, surroundings), instrumented=instrumented)
        said["exposition"] = expose(app, options.metrics_path) if options.metrics_path else ""
    except (FactoryError, Unfit) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's error message
        return REFUSED
    with os.fdopen(out, "w") as answer:
        json.dump(said, answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
