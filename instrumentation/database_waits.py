"""How long threads wait for a pool's connection: SQLAlchemy has events for neither wait nor end.

One stand before the pool's one public entry serves all who watch, so that whoever stops watching
takes nothing from the others, and the last one leaves the pool as it was.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import Pool, PoolProxiedConnection

_STAND = "_instrumentation_stand"
_CHANGING = Lock()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaitWatch:
    """Who is told of each wait, in seconds, and of each that was in vain."""

    observe: Callable[[float], object]
    count_timeout: Callable[[], object]


def watch_waits(pool: Pool, watch: WaitWatch) -> None:
    """Tell `watch` of waits for this pool's connections, and for those of its successors."""
    with _CHANGING:
        stand: _Stand | None = vars(pool).get(_STAND)
        if stand is None:
            stand = _Stand()
            stand.guard(pool)
        stand.watches = (*stand.watches, watch)


def unwatch_waits(pool: Pool, watch: WaitWatch) -> None:
    """Tell `watch` nothing more."""
    with _CHANGING:
        stand: _Stand | None = vars(pool).get(_STAND)
        if stand is None:
            return
        stand.watches = tuple(one for one in stand.watches if one is not watch)
        if not stand.watches:
            for name in (_STAND, "connect", "recreate"):
                vars(pool).pop(name, None)


class _Stand:
    def __init__(self) -> None:
        self.watches: tuple[WaitWatch, ...] = ()

    def guard(self, pool: Pool) -> None:
        """Stand before this pool's entry, and before those of the pools that replace it."""
        connect, recreate = pool.connect, pool.recreate

        def timed() -> PoolProxiedConnection:
            began = time.perf_counter()
            try:
                return connect()
            except PoolTimeout:
                for watch in self.watches:
                    watch.count_timeout()
                raise
            finally:
                took_seconds = time.perf_counter() - began
                for watch in self.watches:
                    watch.observe(took_seconds)

        def recreate_timed() -> Pool:
            successor = recreate()
            self.guard(successor)
            return successor

        setattr(pool, _STAND, self)
        # Of this pool alone, until nobody watches.
        pool.connect = timed  # type: ignore[method-assign]  # of one instance, on purpose
        pool.recreate = recreate_timed  # type: ignore[method-assign]  # likewise
