"""One target's load: its next request, and what became of the ones before.

One rule: everything that a command can change is decided when the request is sent, not when its
slot is claimed, so that a command takes effect with the next request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from instrumentation.faults import contract
from loadtests.pacing import Journey, Schedule, Share
from loadtests.plan import (
    TASKS,
    Command,
    FaultOff,
    FaultOn,
    Flow,
    PlanError,
    TargetPlan,
    UseCard,
    UseJourney,
)
from loadtests.samples import Window

DEFAULT_PAYMENT_METHOD = "pm_card_visa"
# The demo seeds at least this many users; another service takes no notice of the header.
USER_IDS = (1, 2, 3)


# Signs one fault for a method and a path (decoded, no query), and gives the header's value.
Signer = Callable[[str, str], str]
# Checks a fault's wire form once, and gives the function that signs it request by request.
MakeSigner = Callable[[Mapping[str, object]], Signer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to send; ``body`` is ``None`` for a request without one."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str | None
    faulted: bool


class Signed(NamedTuple):
    """What a request says of the fault: its header, ``None`` for none, and whether it bears it."""

    header: str | None
    faulted: bool


class Target:
    """The load of one service, as its plan says and its commands changed it."""

    def __init__(
        self, plan: TargetPlan, make_signer: MakeSigner, *, lease_seconds: float | None = None
    ) -> None:
        """``lease_seconds``: requests that carry no fault renew the lease of those that do."""
        self.id = plan.id
        self.host = plan.host
        self.users = plan.users
        self.schedule = Schedule(plan.rate_per_second)
        self.flows = not plan.paused
        self.window = Window()
        self._make_signer = make_signer
        self.has_tasks = TASKS in plan.journey
        self._journey = Journey(plan.journey)
        self._payment_method = DEFAULT_PAYMENT_METHOD
        self._lease_seconds = lease_seconds
        self._fault: tuple[Signer, Share, frozenset[str]] | None = None
        self._renewal: Signer | None = None
        self._sent = 0

    def obey(self, command: Command) -> None:
        """Change the load from the next request on.

        Raises:
            PlanError: the command's values are impossible; nothing has changed.
        """
        try:
            match command:
                case FaultOn(fault=fault, share=share, only=only):
                    wanted = (self._make_signer(fault), Share(share), only)
                    if self._lease_seconds is not None:
                        renew = contract.Renew(seconds=self._lease_seconds)
                        self._renewal = self._make_signer(contract.fault_to_json(renew))
                    self._fault = wanted
                case FaultOff():
                    self._fault = None
                case UseCard(payment_method=payment_method):
                    self._payment_method = payment_method
                case Flow(on=on):
                    self.flows = on
                case UseJourney(journey=journey):
                    self._journey = Journey(journey)
                case _:
                    raise PlanError(f"{command!r} is no command for a target")
        except ValueError as error:
            raise PlanError(str(error)) from error

    def next_name(self) -> str:
        """Which request of the journey is sent now."""
        return self._journey.pick()

    def next_call(self) -> Call:
        """The request that is sent now."""
        return self.call(self.next_name())

    def signed(self, method: str, path: str, *, kind: str) -> Signed:
        """What a request that is sent now says of the fault.

        ``path`` is as it is sent; ``kind`` is the request's own account of the share.
        """
        if self._fault is None:
            return Signed(header=None, faulted=False)
        signer, share, only = self._fault
        faulted = (not only or kind in only) and share.takes(kind)
        sign = signer if faulted else self._renewal
        header = None if sign is None else sign(method, unquote(path.partition("?")[0]))
        return Signed(header=header, faulted=faulted)

    def call(self, name: str) -> Call:
        """A request of the journey, sent now."""
        method, _, path = name.partition(" ")
        number, self._sent = self._sent, self._sent + 1
        user_id = USER_IDS[number % len(USER_IDS)]
        # One connection a request: a kept one may be closed by the server at the very moment in
        # which it is used again, and a POST lost that way would be an error that nobody injected.
        headers = {"Connection": "close", "X-User-Id": str(user_id)}
        body = None
        if method in {"POST", "PUT", "PATCH"}:
            headers["Content-Type"] = "application/json"
            body = json.dumps(self._body(path, user_id=user_id, number=number))
        header, faulted = self.signed(method, path, kind=name)
        if header is not None:
            headers[contract.HEADER] = header
        return Call(method=method, path=path, headers=headers, body=body, faulted=faulted)

    def take_sample(self, at: float) -> dict[str, object] | None:
        """The sample event of what arrived since the last call, ``None`` where nothing did."""
        window, self.window = self.window, Window()
        return window.sample(target=self.id, at=at, missed=self.schedule.take_missed())

    def _body(self, path: str, *, user_id: int, number: int) -> dict[str, object]:
        match path:
            case "/api/bookings":
                return {"user_id": user_id, "room": f"room-{number}"}
            case "/api/payments":
                return {
                    "user_id": user_id,
                    "amount_cents": 1250,
                    "payment_method": self._payment_method,
                }
            case _:
                return {}
