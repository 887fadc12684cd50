"""A fault happens only by a header that this service's secret signed for this very request.

Whatever else a header holds, the request is answered as if it had none, and counted.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response, after_this_request, request
from prometheus_client import CollectorRegistry, Counter, Gauge

from instrumentation.faults.contract import (
    HEADER,
    KINDS,
    REASONS,
    RESULT_HEADER,
    UNSIGNED,
    BurnCPU,
    Delay,
    End,
    Error,
    Fault,
    FaultRejected,
    HoldMemory,
    RaiseException,
    Renew,
    SlowQuery,
    decode_until,
)
from instrumentation.faults.cpu import burn_cpu
from instrumentation.faults.delay import delay
from instrumentation.faults.ending import Ended, Endings
from instrumentation.faults.error import error
from instrumentation.faults.exception import raise_exception
from instrumentation.faults.memory import MemoryHolding
from instrumentation.faults.places import (
    BURNING_AT_ONCE,
    OCCUPIED_AT_ONCE,
    SPARE_THREADS,
    TOO_FEW_THREADS,
    Places,
)
from instrumentation.faults.query import SlowStatements
from instrumentation.sampling import ResourceSampler

_LOGGER = logging.getLogger(__name__)
_ENVIRON_KEY = f"HTTP_{HEADER.upper().replace('-', '_')}"


class FaultInjector:
    """Applies the faults that `secret` signed for `instance` to the requests of one application.

    `directory` is shared by the service's workers, where there are several.
    """

    def __init__(
        self,
        app: Flask,
        *,
        secret: bytes,
        instance: str,
        sampler: ResourceSampler,
        registry: CollectorRegistry,
        prefix: str,
        directory: Path | None = None,
    ) -> None:
        self._secret = secret
        self._instance = instance
        self._endings = Endings(directory=directory)
        self._occupied = Places(OCCUPIED_AT_ONCE)
        self._burning = Places(BURNING_AT_ONCE)
        self.statements = SlowStatements(self._occupied)
        held = Gauge(
            f"{prefix}_fault_memory_held_bytes",
            "Memory that is held because faults asked for it.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.holding = MemoryHolding(
            limit=sampler.memory_limit,
            measure=sampler.measure_memory,
            latest=lambda: sampler.memory,
            directory=directory,
            tell=held.set,
        )
        applied = Counter(
            f"{prefix}_faults_total", "Faults applied to requests.", ["fault"], registry=registry
        )
        rejected = Counter(
            f"{prefix}_faults_rejected_total",
            "Fault headers that were not accepted.",
            ["reason"],
            registry=registry,
        )
        self._applied = {kind: applied.labels(kind) for kind in KINDS}
        self._rejected = {reason: rejected.labels(reason) for reason in REASONS}
        # First of all hooks: a fault must not depend on what the application's own ones do.
        app.before_request_funcs.setdefault(None, []).insert(0, self._before_request)
        app.teardown_request_funcs.setdefault(None, []).append(self.statements.free)

    def served_by(self, threads: int) -> None:
        """Keep SPARE_THREADS of this process's serving threads free of all that occupies one.

        Where there are no more than those, such faults are refused, and a warning says so.
        """
        self._occupied.limit = max(0, threads - SPARE_THREADS)
        if not self._occupied.limit:
            _LOGGER.warning(
                "delay, query and cpu faults will be refused: %d threads serve, and %d stay free "
                "for scrapes: %s",
                *(threads, SPARE_THREADS, TOO_FEW_THREADS),
            )

    def end_all(self) -> None:
        """Free every occupied request and release what is held; further faults do not wait.

        For an application that ends before its process does, as a test's.
        """
        self._endings.close()
        self.holding.release()

    def _before_request(self) -> Response | None:
        header = request.environ.get(_ENVIRON_KEY)
        if header is None:
            return None
        try:
            fault, expires = decode_until(
                header,
                secret=self._secret,
                instance=self._instance,
                method=request.method,
                path=request.path,
                now=time.time(),
            )
            ended = self._endings.of(fault, expires=expires)
            with self._admitted(fault, ended):
                self._applied[fault.kind].inc()
                _report(fault.kind)
                return self._apply(fault, ended)
        except FaultRejected as rejection:
            self._rejected[rejection.reason].inc()
            if rejection.reason not in UNSIGNED:
                _report(f"rejected: {rejection.reason}")
            return None

    @contextmanager
    def _admitted(self, fault: Fault, ended: Ended) -> Iterator[None]:
        """Take what the fault needs of the service, or raise FaultRejected."""
        match fault:
            case HoldMemory():
                self.holding.hold(fault, ended=ended)
                yield
            case Delay():
                with self._occupied.one("delay"):
                    yield
            case BurnCPU():
                with self._occupied.one("cpu"), self._burning.one("cpu"):
                    yield
            case SlowQuery():
                self.statements.mark(fault, ended=ended)
                yield
            case Error() | RaiseException() | Renew() | End():
                yield

    def _apply(self, fault: Fault, ended: Ended) -> Response | None:
        match fault:
            case Delay():
                delay(fault, ended=ended)
            case BurnCPU():
                burn_cpu(fault, ended=ended)
            case End():
                self.holding.release()  # of the other workers, each sees to its own
                return Response(status=HTTPStatus.NO_CONTENT)
            case Renew():
                pass  # is renewed since it was read
            case Error():
                return error(fault)
            case RaiseException():
                raise_exception(fault)
            case HoldMemory():
                pass  # is held since it was admitted
            case SlowQuery():
                pass  # comes with the first statement
        return None


def _report(result: str) -> None:
    @after_this_request
    def add_header(response: Response) -> Response:
        response.headers[RESULT_HEADER] = result
        return response
