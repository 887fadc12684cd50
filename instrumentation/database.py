"""What an SQLAlchemy engine does: how long queries take, what fails, who waits for a connection.

One rule: the application's work is never held up, but by a fault that it was armed to accept. A
forgotten connection is returned by the garbage collector, in the midst of anything, even while the
metrics client holds its lock; so the pool's events only note which connections are in use, and
background work publishes how many.
"""

import math
import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import AssertionPool, Pool, QueuePool, StaticPool

from instrumentation.database_waits import WaitWatch, unwatch_waits, watch_waits
from instrumentation.per_registry import PerRegistry

if TYPE_CHECKING:
    from instrumentation.extension import Instrumentation
    from instrumentation.faults.query import SlowStatements

OPERATIONS = ("select", "insert", "update", "delete", "other")
"""What a query is; transaction control, DDL and whatever else has no name of its own is other."""

ERROR_KINDS = (
    *("DataError", "IntegrityError", "InternalError", "NotSupportedError", "OperationalError"),
    *("ProgrammingError", "DatabaseError", "InterfaceError", "other"),
)
"""The exceptions that PEP 249 asks of every driver, and one for the rest."""

BUCKETS_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0)
"""Few, as there are five operations of each database."""

_BEGAN = "_instrumentation_began"
"""Where a query's execution context keeps the moment at which it was handed to the driver. All who
watch the engine may share it: it is one moment, whoever notes it."""

_FIRST_WORDS = {operation: operation for operation in OPERATIONS[:-1]}
_WORD_LENGTH = len("select")  # and so are the three other words


def watch_engine(
    instrumentation: "Instrumentation", engine: Engine, *, name: str = "default"
) -> "EngineWatch":
    """Measure the queries and the connection pool of an engine; the metrics say `database=name`.

    - `<prefix>_database_query_duration_seconds{database,operation}`: until the driver has
      executed it, or failed to; rows may still be fetched after that. A commit is no query.
    - `<prefix>_database_errors_total{database,kind}`: by the driver's exception, failed attempts
      to connect too, but not the stale connections that a pre-ping replaces.
    - `<prefix>_database_pool_connections{database,state}` and `_pool_size_limit{database}`
      (+Inf for none), published every `sample_seconds`, summed over worker processes.
    - `<prefix>_database_pool_wait_seconds{database}`: from asking the pool for a connection to
      having one, making or testing it included; `_pool_timeouts_total{database}` asked in vain.

    Several applications of one process may watch one engine, each in its own metrics. For an
    asynchronous engine give its `sync_engine`. Raises TypeError for what is no engine, and
    ValueError when the name is taken or the engine, or its pool, is watched already.
    """
    if not isinstance(engine, Engine):
        raise TypeError(
            f"expected an SQLAlchemy Engine, not {type(engine).__name__}; "
            "of an asynchronous engine give its sync_engine"
        )
    return _METRICS.of(instrumentation).watch(engine, name)


class EngineWatch:
    """An engine under watch; `stop` ends it."""

    def __init__(self, metrics: "_DatabaseMetrics", engine: Engine, name: str) -> None:
        self._metrics = metrics
        self._engine = engine
        self._name = name
        # Weak: a pool that was disposed of takes its connections with it, and nothing says so.
        self._open: WeakSet[Any] = WeakSet()
        self._in_use: WeakSet[Any] = WeakSet()
        self._observe_query = {
            operation: metrics.queries.labels(name, operation).observe for operation in OPERATIONS
        }
        self._count_error = {kind: metrics.errors.labels(name, kind).inc for kind in ERROR_KINDS}
        self._waits = WaitWatch(
            observe=metrics.waits.labels(name).observe,
            count_timeout=metrics.timeouts.labels(name).inc,
        )
        self._listeners: tuple[tuple[str, Callable[..., None]], ...] = (
            ("before_cursor_execute", self._began if metrics.slow is None else self._began_slowly),
            ("after_cursor_execute", self._answered),
            ("handle_error", self._failed),
            ("connect", self._opened),
            ("checkout", self._taken),
            ("checkin", self._returned),
            ("close", self._closed),
            ("detach", self._closed),
        )
        for event_name, listener in self._listeners:  # a pool's are its successors' too
            event.listen(engine, event_name, listener)
        watch_waits(engine.pool, self._waits)
        self.publish()

    def watches(self, engine: Engine) -> bool:
        """Tell whether it is this engine, or one that shares its pool."""
        return engine.pool is self._engine.pool

    def publish(self) -> None:
        """Set the gauges to what is the case now."""
        in_use, are_open = len(self._in_use), len(self._open)
        connections = self._metrics.connections
        connections.labels(self._name, "in_use").set(in_use)
        connections.labels(self._name, "idle").set(max(0, are_open - in_use))
        self._metrics.limits.labels(self._name).set(_limit(self._engine.pool))

    def stop(self) -> None:
        """Measure nothing more of this engine; what was counted stays, its gauges go to 0."""
        if not self._metrics.forget(self._name, self):
            return
        for event_name, listener in self._listeners:
            event.remove(self._engine, event_name, listener)
        unwatch_waits(self._engine.pool, self._waits)
        self._open.clear()
        self._in_use.clear()
        for state in ("in_use", "idle"):
            self._metrics.connections.labels(self._name, state).set(0)
        self._metrics.limits.labels(self._name).set(0)

    def _began(
        self,
        _connection: Any,
        _cursor: Any,
        _statement: str,
        _values: Any,
        context: Any,
        _many: bool,
    ) -> None:
        setattr(context, _BEGAN, time.perf_counter())

    def _began_slowly(self, *about: Any) -> None:
        """Note the moment, then wait as a fault asks: it is part of the query's time."""
        self._began(*about)
        if (slow := self._metrics.slow) is not None:
            slow.hold()

    def _answered(
        self,
        _connection: Any,
        _cursor: Any,
        statement: str,
        _values: Any,
        context: Any,
        _many: bool,
    ) -> None:
        began = getattr(context, _BEGAN, None)
        if began is not None:  # else it was under way before anybody watched
            self._observe_query[_operation(context, statement)](time.perf_counter() - began)

    def _failed(self, failure: ExceptionContext) -> None:
        if not failure.is_pre_ping:
            self._count_error[_kind(failure.original_exception)]()
        began = getattr(failure.execution_context, _BEGAN, None)
        if began is not None:
            operation = _operation(failure.execution_context, failure.statement or "")
            self._observe_query[operation](time.perf_counter() - began)

    def _opened(self, _connection: Any, record: Any) -> None:
        self._open.add(record)

    def _taken(self, _connection: Any, record: Any, _proxy: Any) -> None:
        self._open.add(record)  # it may have been opened before anybody watched
        self._in_use.add(record)

    def _returned(self, _connection: Any, record: Any) -> None:
        self._in_use.discard(record)

    def _closed(self, _connection: Any, record: Any) -> None:
        self._in_use.discard(record)
        self._open.discard(record)


class _DatabaseMetrics:
    """The metric families of one registry, and the engines that they tell of."""

    def __init__(
        self, registry: CollectorRegistry, prefix: str, slow: "SlowStatements | None"
    ) -> None:
        self.slow = slow
        self._lock = Lock()
        self._watches: dict[str, EngineWatch] = {}
        self.queries = Histogram(
            f"{prefix}_database_query_duration_seconds",
            "Time until the database had answered a query, or had failed to.",
            ["database", "operation"],
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        self.errors = Counter(
            f"{prefix}_database_errors_total",
            "Errors that the database's driver raised, by their PEP 249 class.",
            ["database", "kind"],
            registry=registry,
        )
        self.waits = Histogram(
            f"{prefix}_database_pool_wait_seconds",
            "Time from asking the pool for a connection to having one, or to giving up.",
            ["database"],
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        self.timeouts = Counter(
            f"{prefix}_database_pool_timeouts_total",
            "Times that no connection came free before the pool's time-out.",
            ["database"],
            registry=registry,
        )
        self.connections = Gauge(
            f"{prefix}_database_pool_connections",
            "Open connections of the pool, by state: in_use or idle.",
            ["database", "state"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.limits = Gauge(
            f"{prefix}_database_pool_size_limit",
            "Connections that the pool may have open at once; +Inf when nothing limits them.",
            ["database"],
            registry=registry,
            multiprocess_mode="livesum",
        )

    def watch(self, engine: Engine, name: str) -> EngineWatch:
        with self._lock:
            if name in self._watches:
                raise ValueError(
                    f"a database {name!r} is watched already; known: {', '.join(self._watches)}"
                )
            for other_name, other in self._watches.items():
                if other.watches(engine):
                    raise ValueError(f"this engine is watched already, as {other_name!r}")
            watch = self._watches[name] = EngineWatch(self, engine, name)
            self._tell_faults()
            return watch

    def forget(self, name: str, watch: EngineWatch) -> bool:
        with self._lock:
            if self._watches.get(name) is not watch:
                return False
            del self._watches[name]
            self._tell_faults()
            return True

    def _tell_faults(self) -> None:
        if self.slow is not None:
            self.slow.engines = len(self._watches)

    def publish(self) -> None:
        with self._lock:
            for watch in self._watches.values():
                watch.publish()


def _make_metrics(instrumentation: "Instrumentation") -> _DatabaseMetrics:
    metrics = _DatabaseMetrics(
        instrumentation.registry, instrumentation.prefix, instrumentation.faults.statements
    )
    instrumentation.tasks.add(
        "database-pool",
        metrics.publish,
        instrumentation.settings.sample_seconds,
        in_context=False,
    )
    return metrics


_METRICS = PerRegistry(_make_metrics)


def _operation(context: Any, statement: str) -> str:
    """Say what a query does: by its first word, else from what SQLAlchemy knows of it."""
    found = _FIRST_WORDS.get(statement.lstrip()[:_WORD_LENGTH].lower())
    if found is not None:
        return found
    query = getattr(context, "invoked_statement", None)  # of one that begins WITH
    for operation in OPERATIONS[:-1]:
        if getattr(query, f"is_{operation}", False):
            return operation
    return "other"


def _kind(error: BaseException) -> str:
    """Find the PEP 249 class among a driver's own, as UniqueViolation is an IntegrityError."""
    names = (one.__name__ for one in type(error).__mro__)
    return next((name for name in names if name in ERROR_KINDS), "other")


def _limit(pool: Pool) -> float:
    if isinstance(pool, QueuePool):
        overflow: int = pool._max_overflow  # there is no public way to ask; below 0: no limit
        return math.inf if overflow < 0 else pool.size() + overflow
    return 1 if isinstance(pool, StaticPool | AssertionPool) else math.inf
