"""A fault happens only by a header that this service's secret signed for this very request."""

import threading
import time

from flask import Flask, Response, after_this_request, request
from prometheus_client import CollectorRegistry, Counter, Gauge

from instrumentation.faults.contract import (
    HEADER,
    KINDS,
    REASONS,
    RESULT_HEADER,
    BurnCPU,
    Delay,
    Error,
    Fault,
    FaultRejected,
    HoldMemory,
    RaiseException,
    decode,
)
from instrumentation.faults.cpu import burn_cpu
from instrumentation.faults.delay import delay
from instrumentation.faults.error import error
from instrumentation.faults.exception import raise_exception
from instrumentation.faults.memory import MemoryHolding


class FaultInjector:
    """Applies the faults of one application; without a secret there is no code in the way."""

    def __init__(
        self,
        app: Flask,
        *,
        secret: bytes | None,
        holding: MemoryHolding,
        registry: CollectorRegistry,
        prefix: str,
    ) -> None:
        self._secret = secret
        self.holding = holding
        self._ended = threading.Event()
        enabled = Gauge(
            f"{prefix}_fault_injection_enabled",
            "Whether this instance accepts signed faults.",
            registry=registry,
        )
        enabled.set(float(self.enabled))
        self._applied = Counter(
            f"{prefix}_faults_total", "Faults applied to requests.", ["fault"], registry=registry
        )
        self._rejected = Counter(
            f"{prefix}_faults_rejected_total",
            "Fault headers that were not accepted.",
            ["reason"],
            registry=registry,
        )
        for kind in KINDS:
            self._applied.labels(kind)
        if secret is not None:
            for reason in REASONS:
                self._rejected.labels(reason)
            # First of all hooks: a fault must not depend on what the application's own ones do.
            app.before_request_funcs.setdefault(None, []).insert(0, self._before_request)

    @property
    def enabled(self) -> bool:
        """Whether a secret is configured."""
        return self._secret is not None

    def applied(self) -> dict[str, int]:
        """Return how many faults of each kind were applied."""
        return {kind: int(self._applied.labels(kind)._value.get()) for kind in KINDS}

    def end_all(self) -> None:
        """Free every delayed request and release what is held; further faults do not wait."""
        self._ended.set()
        self.holding.release()

    def _before_request(self) -> Response | None:
        header = request.headers.get(HEADER)
        if header is None or self._secret is None:
            return None
        try:
            fault = decode(
                header,
                secret=self._secret,
                method=request.method,
                path=request.path,
                now=time.time(),
            )
            _report(fault.kind)
            return self._apply(fault)
        except FaultRejected as rejection:
            self._rejected.labels(rejection.reason).inc()
            _report(f"rejected: {rejection.reason}")
            return None

    def _apply(self, fault: Fault) -> Response | None:
        if isinstance(fault, HoldMemory):
            self.holding.hold(fault)  # may refuse, and is counted if it does not
        self._applied.labels(fault.kind).inc()
        match fault:
            case Delay():
                delay(fault, ended=self._ended)
            case BurnCPU():
                burn_cpu(fault)
            case Error():
                return error(fault)
            case RaiseException():
                raise_exception(fault)
            case HoldMemory():
                pass
        return None


def _report(result: str) -> None:
    @after_this_request
    def add_header(response: Response) -> Response:
        response.headers[RESULT_HEADER] = result
        return response
