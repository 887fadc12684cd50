"""gunicorn's settings for an instrumented service: any number of workers, each of many threads.

    gunicorn -c python:instrumentation.gunicorn_conf --workers 4 'package.module:factory()'

A configuration file of your own starts with `from instrumentation.gunicorn_conf import *`; where
it defines a hook that stands here too, it calls this one.
"""

import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Any

from instrumentation import draining as _draining
from instrumentation import workers as _workers
from instrumentation.log_file import check_log_file
from instrumentation.own_port import listen as _listen
from instrumentation.process_tree import declare_service_root
from instrumentation.settings import InstrumentSettings, SettingsError

bind = "127.0.0.1:8000"
worker_class = "gthread"
threads = 34
"""Enough for 20 requests a second that take 1.5 s each, and 4 to spare for scrapes."""
preload_app = False
timeout = 30
graceful_timeout = 30
keepalive = 30
"""Longer than clients leave a connection idle between requests, else they meet closed ones."""
accesslog = None
errorlog = "-"
control_socket_disable = True
"""The control socket of newer versions would be one file shared by all instances of a user."""

_unburied: set[int] = set()
"""Workers of this master that died and whose counts are not folded yet."""

_worker_pid: int | None = None
"""The worker that this process is; whatever a worker forks is none."""


def on_starting(server: Any) -> None:
    """Make what all workers share. Raises RuntimeError, which gunicorn prints as its error."""
    os.environ.setdefault(
        "INSTRUMENT_INSTANCE_ID", f"{socket.gethostname()}-{secrets.token_hex(4)}"
    )
    try:
        settings = InstrumentSettings.from_env()
        settings.read_secrets()
        if settings.log_file is not None:
            check_log_file(settings.log_file)
        if settings.metrics_bind is not None:
            _listen(settings.metrics_bind, beside_old_master=server.master_pid != 0)
        _workers.prepare(worker_count=server.cfg.workers, preloaded=server.cfg.preload_app)
    except SettingsError as error:
        raise RuntimeError(str(error)) from error


def when_ready(server: Any) -> None:
    """Have SIGTERM turn `ready` to 503 before the server stops accepting."""
    _draining.hold_back_sigterm(server, InstrumentSettings.from_env().drain_seconds)


def pre_fork(server: Any, _worker: Any) -> None:
    """Say so where metrics become those of one worker each."""
    if server.WORKERS and _workers.VARIABLE not in os.environ:
        server.log.error(
            "a second worker is started, but prometheus_client was imported before workers were "
            "known: each has metrics of its own; set %s before gunicorn starts",
            _workers.VARIABLE,
        )


def pre_exec(server: Any) -> None:
    """Have the master that will replace this one (SIGUSR2) count on."""
    _workers.hand_on(server.cfg.env_orig)


def post_fork(_server: Any, worker: Any) -> None:
    """Tell the worker which process is the service's master."""
    global _worker_pid
    _worker_pid = os.getpid()
    declare_service_root(worker.ppid)
    if directory := os.environ.get(_workers.VARIABLE):
        _workers.forget_master(Path(directory), worker.ppid)


def post_worker_init(worker: Any) -> None:
    """Start the background work before the first request comes."""
    for instrumentation in _instrumentations():
        if worker.cfg.worker_class_str in ("gthread", "sync"):
            instrumentation.served_by(worker.cfg.threads)
        else:  # one of greenlets has no threads to count
            instrumentation.faults.served_by(worker.cfg.threads)
        instrumentation.start()


def child_exit(server: Any, worker: Any) -> None:
    """Keep what a worker counted, now that it is dead."""
    if (directory := os.environ.get(_workers.VARIABLE)) is None:
        return
    _unburied.add(worker.pid)
    try:
        _workers.bury(Path(directory), _unburied)
    except Exception as error:  # noqa: BLE001 - whatever it is, the master must go on
        server.log.error("metrics of worker %s stay in files of their own: %r", worker.pid, error)


def worker_exit(_server: Any, _worker: Any) -> None:
    """Write what the logs still hold, and tidy up for a master that was killed and can't."""
    if os.getpid() != _worker_pid:
        return  # a child that a view forked, on its way out
    for instrumentation in _instrumentations():
        instrumentation.flush()
    _workers.remove()


def on_exit(_server: Any) -> None:
    """Leave nothing behind."""
    _workers.remove()


def _instrumentations() -> list[Any]:
    """Return those of this process's applications, without importing anything into a master."""
    extension = sys.modules.get("instrumentation.extension")
    return extension.made_in_this_process() if extension else []
