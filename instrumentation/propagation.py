"""A request's identity follows its work: into threads, into executors, and over HTTP where asked.

`threading` and `concurrent.futures` are wrapped by an explicit call, never by an import. A thread
takes over the request that started it. An executor's worker belongs to none: each job takes over
the request that submitted it, and gives it back when it is done.
"""

import functools
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from instrumentation.correlation import CURRENT, RequestState

_MARK = "__carries_requests__"


def carry_requests_into_threads() -> None:
    """Have threads and thread pools work on behalf of the request that started or asked them.

    It lasts for the life of the process, does nothing the second time, and calls whatever else
    is wrapped around the same functions.
    """
    if not hasattr(threading.Thread.start, _MARK):
        threading.Thread.start = _carrying_start(  # type: ignore[method-assign]  # the wrapping
            threading.Thread.start
        )
    if not hasattr(ThreadPoolExecutor.submit, _MARK):
        ThreadPoolExecutor.submit = _carrying_submit(  # type: ignore[method-assign]  # the wrapping
            ThreadPoolExecutor.submit
        )


def _carrying_start(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def start(self: threading.Thread) -> None:
        state = CURRENT.get()
        if state is not None and not _is_pool_worker(self):
            _take_over(self, state)
        original(self)

    setattr(start, _MARK, True)
    return start


def _take_over(thread: threading.Thread, state: RequestState) -> None:
    run = thread.run

    def run_for_request() -> None:
        vars(thread).pop("run", None)  # else the thread and this function keep each other alive
        CURRENT.set(state)
        run()

    thread.run = run_for_request  # type: ignore[method-assign]  # of this one thread


def _is_pool_worker(thread: threading.Thread) -> bool:
    """Tell a worker of `multiprocessing.pool.ThreadPool`, which outlives who started it."""
    dummy = sys.modules.get("multiprocessing.dummy")
    return dummy is not None and isinstance(thread, dummy.DummyProcess)


def _carrying_submit(original: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    @functools.wraps(original)
    def submit(
        self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        state = CURRENT.get()
        if state is None:
            return original(self, fn, *args, **kwargs)
        token = CURRENT.set(None)  # a worker that is started now must not belong to this request
        try:
            return original(self, _Job(fn, state), *args, **kwargs)
        finally:
            CURRENT.reset(token)

    setattr(submit, _MARK, True)
    return submit


class _Job:
    """A function that runs on behalf of a request, in whichever thread."""

    __slots__ = ("_function", "_state")

    def __init__(self, function: Callable[..., Any], state: RequestState) -> None:
        self._function = function
        self._state = state

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = CURRENT.set(self._state)
        try:
            return self._function(*args, **kwargs)
        finally:
            CURRENT.reset(token)
