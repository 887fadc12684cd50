"""gunicorn's settings for an instrumented service: one process, many threads.

    gunicorn -c python:instrumentation.gunicorn_conf 'package.module:factory()'

Metrics are kept in one process, so that more workers are refused: each would answer scrapes with
its own share of the counts.
"""

from typing import Any

from instrumentation.process_tree import declare_service_root

bind = "127.0.0.1:8000"
worker_class = "gthread"
workers = 1
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


def on_starting(server: Any) -> None:
    """Refuse more than one worker. Raises RuntimeError, which gunicorn prints as its error."""
    if server.cfg.workers > 1:
        raise RuntimeError(
            f"workers = {server.cfg.workers}, but metrics are kept in one process: set workers = 1 "
            "and raise threads instead"
        )


def post_fork(_server: Any, worker: Any) -> None:
    """Tell the worker which process is the service's master."""
    declare_service_root(worker.ppid)


def post_worker_init(worker: Any) -> None:
    """Start the background work before the first request comes."""
    extensions = getattr(worker.wsgi, "extensions", {})
    if instrumentation := extensions.get("instrumentation"):
        instrumentation.start()
