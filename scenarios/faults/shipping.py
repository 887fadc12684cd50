"""What the faults of log shipping have in common: a target whose log is shipped."""

from __future__ import annotations

from scenarios.faults.fault import FaultDidNotBite
from scenarios.shipper import Shipper
from scenarios.target import Target


def shipper_of(target: Target) -> Shipper:
    """Return what ships the target's log.

    Raises:
        FaultDidNotBite: its log is not shipped.
    """
    if target.shipper is None:
        raise FaultDidNotBite(
            f"the log of {target.id} is not shipped; look: Service(ships_logs=True) in its scenario"
        )
    return target.shipper
