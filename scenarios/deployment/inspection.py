"""All that is looked at, at the same time, with one deadline over it.

One rule: whoever asks for evidence gets it, or a `Missing` that says what was waited for; nobody
waits beyond the deadline, whatever those that are asked do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from typing import Any, TypeVar, cast

import requests
from elasticsearch import ApiError, TransportError

from scenarios.deployment.seen import Missing, NotSeen
from scenarios.deployment.visit import Visit
from scenarios.saying import SayLine
from stack.clients import AlertmanagerError, PrometheusError
from stack.clients.failure import failure_of
from stack.logs.failures import explained
from stack.waiting import WaitTimeout
from stack.yamlfile import ConfigurationError

T = TypeVar("T")

Observer = Callable[[Visit], T]
"""Looks at one thing; its first line says what. It judges nothing."""

TOLD_AFTER_SECONDS = 2.0
"""From when on somebody who waits is told what for."""


class Inspection:
    """One run's evidence. `begin` starts observers; `of` waits for one."""

    def __init__(self, visit: Visit, say: SayLine) -> None:
        self._visit = visit
        self._say = say
        self._seen: dict[Observer[Any], Future[Any]] = {}

    def begin(self, observers: Iterable[Observer[Any]]) -> None:
        """Start each of these that was not started yet, in a thread that nothing waits for."""
        for observer in observers:
            if observer not in self._seen:
                future: Future[Any] = Future()
                self._seen[observer] = future
                threading.Thread(
                    target=_look, args=(observer, self._visit, future), daemon=True
                ).start()

    @property
    def left_seconds(self) -> float:
        """How much time is left."""
        return self._visit.left_seconds

    def of(self, observer: Observer[T]) -> T | Missing:
        """Return what an observer saw; raise what it raised by a mistake of its own."""
        self.begin([observer])
        future = self._seen[observer]
        what = what_of(observer)
        if not future.done() and self._visit.left_seconds > TOLD_AFTER_SECONDS:
            try:
                return cast("T | Missing", future.result(timeout=TOLD_AFTER_SECONDS))
            except NotInTime:
                self._say(f"waiting for {what}, {max(0, self._visit.left_seconds):.0f} s at most")
        began = time.monotonic()
        try:
            return cast("T | Missing", future.result(timeout=max(0.0, self._visit.left_seconds)))
        except NotInTime:
            waited = time.monotonic() - began
            return Missing(
                why=f"{what}: not known by the deadline of "
                f"{self._visit.target.deadline_seconds:g} s (the last {waited:.0f} s were spent "
                "on it)",
                look="give --deadline more seconds, or find out who is slow",
            )


def what_of(observer: Observer[Any]) -> str:
    """Return what an observer looks at, in its own words."""
    words = (observer.__doc__ or observer.__name__).strip().splitlines()[0]
    return words.removeprefix("See ").rstrip(".")


def _look(observer: Observer[Any], visit: Visit, future: Future[Any]) -> None:
    try:
        found: object = observer(visit)
    except NotSeen as error:
        found = error.missing
    except (PrometheusError, AlertmanagerError, requests.RequestException) as error:
        failure = failure_of(error, visit.patience_seconds)
        who = _who(error)
        found = Missing(why=f"{who}{failure.why}", look=failure.look)
    except (ApiError, TransportError) as error:
        connection = visit.target.elasticsearch
        said = explained(error, connection) if connection else str(error)
        found = Missing(why=said)
    except (ConfigurationError, WaitTimeout, OSError) as error:
        found = Missing(why=" ".join(str(error).split()))
    except BaseException as error:  # noqa: BLE001 - raised where the evidence is asked for
        future.set_exception(error)
        return
    future.set_result(found)


def _who(error: Exception) -> str:
    """Return whom a client could not ask, as far as its error says so."""
    if isinstance(error, PrometheusError):
        return "Prometheus: "
    if isinstance(error, AlertmanagerError):
        return "Alertmanager: "
    request = getattr(error, "request", None)
    return f"{request.url}: " if request is not None and request.url else ""
