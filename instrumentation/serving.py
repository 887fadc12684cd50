"""gunicorn run from Python for an application factory, with the settings of `gunicorn_conf`."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from gunicorn.app.base import (  # type: ignore[import-untyped]  # it ships no types
    BaseApplication,
)

from instrumentation import gunicorn_conf
from instrumentation.lifeline import die_with_parent

AppFactory = Callable[[], Any]


class FactoryError(ValueError):
    """The name of an application factory leads nowhere; the text says at which part."""


def load_factory(name: str) -> AppFactory:
    """Import `package.module:factory`, without calling it. Raises FactoryError."""
    module_name, separator, attribute = name.partition(":")
    if not (separator and module_name and attribute):
        raise FactoryError(f"{name!r}: expected package.module:factory")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise FactoryError(f"{name!r}: cannot import {module_name}: {error}") from error
    factory = getattr(module, attribute, None)
    if not callable(factory):
        raise FactoryError(f"{name!r}: {module_name} has no callable {attribute!r}")
    return factory  # type: ignore[no-any-return]  # a callable is all that can be known


def serve(
    factory: AppFactory,
    *,
    bind: str = gunicorn_conf.bind,
    threads: int = gunicorn_conf.threads,
    end_with_parent: bool = False,
) -> None:
    """Serve what `factory` makes, in a worker process; end by SystemExit with gunicorn's status.

    The factory is called in the worker. With `end_with_parent` the master and each worker are
    killed when the process that started them ends, even while they are stopped.
    """
    settings: dict[str, Any] = {"bind": bind, "threads": threads, "workers": 1}
    if end_with_parent:
        settings["post_fork"] = _post_fork_that_ends_with_parent
    _FactoryApplication(factory, settings).run()


class _FactoryApplication(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """A gunicorn application that is configured by arguments, not by a command line."""

    def __init__(self, factory: AppFactory, settings: Mapping[str, Any]) -> None:
        self._factory = factory
        self._settings = {**vars(gunicorn_conf), **settings}
        super().__init__()

    def load_config(self) -> None:
        """Take the settings that this version of gunicorn knows."""
        for name in self._settings.keys() & self.cfg.settings.keys():
            self.cfg.set(name, self._settings[name])

    def load(self) -> Any:
        """Make the application, in the worker."""
        return self._factory()


def _post_fork_that_ends_with_parent(server: Any, worker: Any) -> None:
    die_with_parent(worker.ppid)
    gunicorn_conf.post_fork(server, worker)


def preload() -> None:
    """Load and make what each worker needs, once, before instances are forked.

    What applies faults is among it, as the instances of a fleet are there to be drilled; whether
    one accepts any is decided when it starts.
    """
    for name in (
        *("gunicorn.arbiter", "gunicorn.glogging", "gunicorn.workers.gthread"),
        "instrumentation.faults.injector",
    ):
        importlib.import_module(name)
    from instrumentation.build_info import libraries
    from instrumentation.log_redaction import redact_text

    libraries()
    redact_text("")  # compiles patterns, which Python then has for whoever wants the same
