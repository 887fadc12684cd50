"""Metrics that are made when they are first asked for, once for each application's registry.

What asks may be asked several times, for several databases say, and a registry takes a name once.
"""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry

if TYPE_CHECKING:
    from instrumentation.extension import Instrumentation

MadeT = TypeVar("MadeT")


class PerRegistry(Generic[MadeT]):
    """Keeps what `make` returned for each application, as long as its registry lives."""

    def __init__(self, make: Callable[["Instrumentation"], MadeT]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[CollectorRegistry, MadeT] = WeakKeyDictionary()
        self._lock = Lock()

    def of(self, instrumentation: "Instrumentation") -> MadeT:
        """Return this application's, and make it the first time."""
        with self._lock:
            made = self._made.get(instrumentation.registry)
            if made is None:
                made = self._made[instrumentation.registry] = self._make(instrumentation)
            return made
