"""Faults are off unless armed: then nothing of their code is loaded, and none is in the way."""

from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from prometheus_client import CollectorRegistry, Gauge

from instrumentation.faults.arming import decide_arming
from instrumentation.sampling import ResourceSampler
from instrumentation.settings import InstrumentSettings

if TYPE_CHECKING:
    from instrumentation.faults.injector import FaultInjector
    from instrumentation.faults.query import SlowStatements


def _load() -> "type[FaultInjector]":
    """Load what applies faults."""
    from instrumentation.faults import injector

    return injector.FaultInjector


class FaultSwitch:
    """Whether one application accepts signed faults, and what applies them where it does.

    `instance` is what faults must be signed for. `refused` says why faults are off although a
    secret is configured, else it is None. `injector` is None while faults are off. `directory` is
    shared by the service's workers, where there are several. Raises SettingsError.
    """

    def __init__(
        self,
        app: Flask,
        *,
        settings: InstrumentSettings,
        sampler: ResourceSampler,
        registry: CollectorRegistry,
        prefix: str,
        directory: Path | None = None,
    ) -> None:
        arming = decide_arming(settings)
        self.refused = arming.refused
        self.instance = arming.instance
        self._environment = settings.environment_label
        self._told = Gauge(
            f"{prefix}_fault_injection_enabled",
            "Whether this instance accepts signed faults.",
            ["environment"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.injector: FaultInjector | None = None
        if arming.secret is not None:
            self.injector = _load()(
                app,
                secret=arming.secret,
                instance=arming.instance,
                sampler=sampler,
                registry=registry,
                prefix=prefix,
                directory=directory,
            )

    @property
    def enabled(self) -> bool:
        """Whether signed faults are accepted."""
        return self.injector is not None

    @property
    def statements(self) -> "SlowStatements | None":
        """What may slow the application's database statements; None while faults are off."""
        return None if self.injector is None else self.injector.statements

    def tell_enabled(self) -> None:
        """Set the gauge that says whether signed faults are accepted."""
        self._told.labels(self._environment).set(float(self.enabled))

    def served_by(self, threads: int) -> None:
        """Say how many threads of this process serve, so that faults leave some of them free."""
        if self.injector is not None:
            self.injector.served_by(threads)

    def end_all(self) -> None:
        """Free every occupied request and release what is held; further faults do not wait."""
        if self.injector is not None:
            self.injector.end_all()
