"""gunicorn's settings for a thousand workers in a minute: their imports are done in the master.

Everything else is as `instrumentation.gunicorn_conf` has it: each worker is forked, makes its own
application and its own files, and is buried when it ends.
"""

from importlib import import_module
from typing import Any

from instrumentation import gunicorn_conf
from instrumentation.gunicorn_conf import *  # noqa: F403  # as its own documentation says


def on_starting(server: Any) -> None:  # type: ignore[no-redef]  # the one that it calls first
    """Import once the workers' directory is known, which the client library reads then."""
    gunicorn_conf.on_starting(server)
    import_module("benchmarks.apps.many_series")
    import_module("instrumentation.one_call")
