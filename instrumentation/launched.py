"""Any Flask application as a drill launches it: made where it serves, instrumented unless it is.

One rule: nothing of the application is imported before the instance's environment and folder are
its own, and what it lacks is added from outside, without a change of its code.
"""

import os
import subprocess
import sys
from pathlib import Path

from flask import Flask

from instrumentation.endpoints import DEFAULT_URL_PREFIX
from instrumentation.extension import EXTENSION
from instrumentation.loading import load_application
from instrumentation.one_call import instrument
from instrumentation.serving import AppFactory, FactoryError
from instrumentation.surroundings import Surroundings
from instrumentation.watched import watch

PREPARED = ".prepared"
"""Is in an instance's folder once its command was run there: a restart finds what was made."""


class Unfit(Exception):
    """The application was made and can't be drilled as it is; the message is one line."""


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
            surroundings.prepare,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",  # what it prints is for people, and in whatever encoding it likes
            check=False,
        )
    except OSError as error:
        raise FactoryError(f"prepare: {shown}: {error.strerror}") from error
    if ran.returncode != 0:
        said = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
        last = said[-1] if said else "nothing was said"
        raise FactoryError(f"prepare: {shown} ended with {ran.returncode}: {last}")
    done.touch()


def launch(app: Flask, surroundings: Surroundings) -> Flask:
    """Instrument an application unless it is, and have watched what it does not watch itself.

    Raises Unfit where another part of it answers below the path of the metrics.
    """
    own = app.extensions.get(EXTENSION)
    if own is None:
        taken = [one.rule for one in app.url_map.iter_rules() if is_in_the_way(one.rule)]
        if taken:
            raise Unfit(
                f"{app.name} has routes of its own below {DEFAULT_URL_PREFIX} "
                f"({', '.join(sorted(taken)[:3])}), where the toolkit's metrics would be; call "
                "instrument(app) in the application, or move them"
            )
        own = instrument(app)
    watch(own, surroundings)
    return app


def is_in_the_way(rule: str) -> bool:
    """Tell whether a route is where the toolkit's metrics would be."""
    return f"{rule}/".startswith(f"{DEFAULT_URL_PREFIX}/")
