"""What one service instance is given before anything starts: ports, a folder, a load.

One rule: nothing is written here; what is reserved is given back by :meth:`Berth.close`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Fault
from scenarios.load_plan import SPARE_THREADS, TargetLoad, threads_needed, users_needed
from scenarios.model import BUDGETS, MAIN, Drill
from scenarios.relay import Relay
from scenarios.service import FLEET
from scenarios.settings import Settings
from stack.launch.premises import Premises
from stack.ports import Place, reserve

CONTROL = "control"
"""The service that nobody breaks."""


CONTROL_SERVICE = {False: Service(), True: Service(instances=2)}
"""Of a stack, by whether it judges budgets: there one lost scrape of an only instance is much of
what a month allows, as 250 ms stand for more than a minute."""

CONTROL_LOAD = Load(per_second=1)
"""What the demo's control is asked for; the same as those of most drills."""


def control_load(settings: Settings) -> Load:
    """Return what the control's clients ask for."""
    return replace(CONTROL_LOAD, journey=settings.journey)


def control_of(stack: str) -> str:
    """Return the name of the control that one stack watches."""
    return CONTROL if stack == MAIN else f"{CONTROL}-{stack}"


ORDINARY_RESPONSE_SECONDS = 0.5
"""What an unfaulted request may take on a busy machine; sizes users and threads."""


IDLE_SAMPLES = 4
"""An instance whose drill does not depend on its own sampling samples this many times less often:
reading a process tree's memory costs milliseconds, and all instances share the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarters:
    """Where services live, with what those that live there share.

    Attributes:
        gateway: where the payment gateway's double is reached that all pay through.
    """

    premises: Premises
    gateway: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Berth:
    """What one instance is given before anything starts.

    ``instance`` is what its faults are signed for: no other instance takes them, of this run or of
    another; one that is started again keeps it. ``few_threads`` tells that it serves with no more
    than its load occupies, or how many of them are occupied would tell nothing.
    """

    id: str
    stack: str
    instance: str
    load: Load
    service: Service
    longest_response_seconds: float
    sample_seconds: float
    premises: Premises
    places: tuple[Place, ...]
    gateway: Place
    directory: Path
    time_scale: float
    few_threads: bool = False
    relay: Relay | None = None
    shipper: Place | None = None
    player: Place | None = None

    @classmethod
    def of(
        cls,
        drill: Drill | None,
        *,
        stack: str = MAIN,
        settings: Settings,
        run: Path,
        quarters: Quarters,
    ) -> Berth:
        """Return what a drill's instance, or the control's (``None``) of a stack, is given."""
        drill_id = drill.id if drill else control_of(stack)
        load = drill.load if drill else control_load(settings)
        service = drill.service if drill else CONTROL_SERVICE[stack == BUDGETS]
        if drill is None and stack == MAIN:
            service = replace(service, ships_logs=settings.logs)
        effects = [fault.effect(load, service) for fault in _faults(drill)]
        probed = any(one.probed for one in effects)
        sample = settings.sample.total_seconds()
        premises, outside = quarters.premises, quarters.premises.outside
        home = f"{FLEET}-{drill_id}" if premises.apart and service.alone else FLEET
        places = tuple(premises.place(home) for _ in range(service.instances))
        return cls(
            id=drill_id,
            stack=stack,
            instance=f"{drill_id}-{secrets.token_hex(4)}",
            load=load,
            service=service,
            longest_response_seconds=_longest(effects, service, settings),
            sample_seconds=sample if probed else IDLE_SAMPLES * sample,
            few_threads=any(one.occupies for one in effects),
            premises=premises,
            places=places,
            relay=Relay(places[0], host=outside) if service.relayed else None,
            gateway=reserve(outside) if service.own_gateway else quarters.gateway,
            shipper=reserve(outside) if service.ships_logs else None,
            player=reserve(outside) if service.plays else None,
            directory=run / "services" / drill_id,
            time_scale=settings.time_scale,
        )

    @property
    def targeted(self) -> TargetLoad:
        """The load generator's view of this instance."""
        return TargetLoad(
            id=self.id,
            host=f"http://{self.places[0].address}",
            rate_per_second=self.load.per_second,
            users=users_needed(self.load.per_second, self.longest_response_seconds),
            journey=self.load.journey,
            instance=self.instance,
            paused=True,
        )

    def close(self) -> None:
        """Give the ports back."""
        if self.relay:
            self.relay.close()
        for place in (*self.places, *([self.gateway] if self.service.own_gateway else [])):
            place.close()
        for one in (self.shipper, self.player):
            if one:
                one.close()

    @property
    def alone(self) -> bool:
        """Whether it is alone in a container."""
        return self.premises.apart and self.service.alone

    @property
    def scraped(self) -> tuple[str, ...]:
        """Where Prometheus finds the instances: the first behind its relay, if it has one."""
        first, *others = (one.address for one in self.places)
        return (self.relay.address if self.relay else first, *others)

    @property
    def threads(self) -> int:
        """How many threads the instance serves with.

        One for each of its users, who may all ask at once where the load was held up for a moment:
        of requests that come too many, those that find no thread to spare are served without their
        fault (``instrumentation.faults.places``), which was seen to end an alert too early.
        """
        if self.few_threads:
            return threads_needed(self.load.per_second, self.longest_response_seconds)
        return self.targeted.users + SPARE_THREADS


def _faults(drill: Drill | None) -> list[Fault]:
    """Return what the drill breaks, and what it breaks before; nothing of the control."""
    if drill is None:
        return []
    return [drill.fault, *([drill.after.fault] if drill.after else [])]


def _longest(effects: Iterable[Effect], service: Service, settings: Settings) -> float:
    held = [one.longest_response.total_seconds() for one in effects]
    if service.own_gateway:
        held.append(settings.payment_timeout.total_seconds())
    return max([ORDINARY_RESPONSE_SECONDS, *held])
