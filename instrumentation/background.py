"""Work beside the requests: one thread a task, started in the process that serves, never before.

A task that raises is counted, logged once for each bout of failures, and tried again in time.
Each worker process runs its own tasks, so that its second run comes early by chance: workers that
started together do not ask the same database at the same moment for good.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Gauge

from instrumentation.correlation import CURRENT

_LOGGER = logging.getLogger(__name__)

EARLY_RATIO = 0.5
"""How much of one pace the second run may come early."""


class _Task(NamedTuple):
    name: str
    function: Callable[[], object]
    every_seconds: float
    in_context: bool


class BackgroundTasks:
    """The periodic tasks of one application."""

    def __init__(self, app: Flask, *, registry: CollectorRegistry, prefix: str) -> None:
        self._app = app
        self._tasks: dict[str, _Task] = {}
        self._lock = threading.Lock()
        self._serving_pid: int | None = None
        self._stopped = threading.Event()
        self._failures = Counter(
            f"{prefix}_background_failures_total",
            "Runs of a background task that raised.",
            ["task"],
            registry=registry,
        )
        self._success = Gauge(
            f"{prefix}_background_last_success_timestamp_seconds",
            "When a background task last ended well; 0 means never.",
            ["task"],
            registry=registry,
            multiprocess_mode="max",
        )

    def add(
        self,
        name: str,
        function: Callable[[], object],
        every_seconds: float,
        *,
        in_context: bool = True,
    ) -> None:
        """Have `function` run at once when serving starts, then every `every_seconds` seconds.

        With `in_context` the application's context is around it, and its end calls what the
        application registered for that: what needs no context must not have one. Raises
        ValueError for a name in use or a pace that is not above zero.
        """
        if every_seconds <= 0:
            raise ValueError(f"background task {name!r}: expected every_seconds above zero")
        task = _Task(
            name=name, function=function, every_seconds=every_seconds, in_context=in_context
        )
        with self._lock:
            if name in self._tasks:
                raise ValueError(f"background task {name!r} exists: {', '.join(self._tasks)}")
            self._tasks[name] = task
            self._failures.labels(name)
            self._success.labels(name)
            if self._serving_pid == os.getpid():
                self._spawn(task)

    def start(self) -> bool:
        """Start the tasks in this process, unless they run here; tell whether it did so.

        Safe to call for every request, and again in a forked child, where no thread survives.
        """
        if self._serving_pid == os.getpid():
            return False
        with self._lock:
            if self._serving_pid == os.getpid():
                return False
            self._stopped = threading.Event()
            self._serving_pid = os.getpid()
            for task in self._tasks.values():
                self._spawn(task)
        return True

    def stop(self) -> None:
        """Ask the tasks to end after their current run; they are not waited for.

        For an application that ends before its process does, as a test's.
        """
        self._stopped.set()

    def _spawn(self, task: _Task) -> None:
        thread = threading.Thread(
            target=self._run,
            args=(task, self._stopped),
            name=f"background-{task.name}",
            daemon=True,
        )
        request = CURRENT.set(None)  # it belongs to no request, whichever was the first
        try:
            thread.start()
        except RuntimeError as error:  # the process may start no more threads; requests go on
            _LOGGER.error("background task %s does not run: %s", task.name, error)
        finally:
            CURRENT.reset(request)

    def _run(self, task: _Task, stopped: threading.Event) -> None:
        # An early second run never stretches the pace, which others' promises of time rest on.
        early_ratio = EARLY_RATIO * random.random()  # noqa: S311 - it spreads, it guards nothing
        due = time.monotonic() - task.every_seconds * early_ratio
        healthy = True
        while not stopped.is_set():
            healthy = self._run_once(task, was_healthy=healthy)
            now = time.monotonic()
            due += task.every_seconds
            if due <= now:  # the run took longer than the pace: skip what was missed
                due = now + task.every_seconds
            stopped.wait(due - now)

    def _run_once(self, task: _Task, *, was_healthy: bool) -> bool:
        try:
            with self._app.app_context() if task.in_context else nullcontext():
                task.function()
        except Exception:  # a task may raise anything; it is counted and logged
            self._failures.labels(task.name).inc()
            if was_healthy:
                _LOGGER.exception("background task %s fails", task.name)
            return False
        self._success.labels(task.name).set_to_current_time()
        if not was_healthy:
            _LOGGER.info("background task %s works again", task.name)
        return True
