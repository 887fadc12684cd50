"""The service is deployed so that it accepts faults, in an environment of some name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from instrumentation.faults import contract
from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.faults.redeploy import redeployed
from scenarios.target import Target

VALID_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFaults:
    """Deploy the service so that it accepts faults in an environment of this name."""

    environment: str
    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return f"the service accepts faults in {self.environment}"

    def effect(self, load: Load, service: Service) -> Effect:
        """It is a setting, which the first scrape shows."""
        return Effect()

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Redeploy, and let the service obey a signed fault: that is the witness."""
        changed = {
            "INSTRUMENT_ENVIRONMENT": self.environment,
            "INSTRUMENT_FAULTS_IN_PRODUCTION": "yes",
        }
        with redeployed(target, changed):
            yield witnessed(
                target,
                lambda: obeys(target) and runs_in(target) == self.environment,
                f"in {self.environment} the service obeyed a signed fault",
            )


def obeys(target: Target) -> bool:
    """Return whether the instance carries out a fault that is signed for it: a short delay."""
    environment = target.instance.environment
    fault = contract.Delay(seconds=0.001)
    header = contract.encode(
        fault,
        secret=Path(environment["INSTRUMENT_FAULT_SECRET_FILE"]).read_bytes().strip(),
        instance=environment["INSTRUMENT_INSTANCE_ID"],
        method="GET",
        path=target.page,
        expires=time.time() + VALID_SECONDS,
    )
    answer = requests.get(
        target.instance.url + target.page,
        headers={contract.HEADER: header},
        timeout=target.patience_seconds,
    )
    return answer.headers.get(contract.RESULT_HEADER) == fault.kind


def runs_in(target: Target) -> str | None:
    """Return the environment that the instance says it is."""
    summary = target.instance.url + "/api/metrics/summary"
    answer = requests.get(summary, timeout=target.patience_seconds).json()
    return answer["environment"] if isinstance(answer["environment"], str) else None
