"""Faults that Locust's own requests carry, signed: stopping the load is the rollback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from instrumentation.faults import contract
from scenarios.faults.fault import FaultDidNotBite, Witness
from scenarios.target import Target

if TYPE_CHECKING:
    from scenarios.load_sample import LoadSample


def asked(only: Sequence[str]) -> str:
    """Return how a person names the requests that may carry a fault."""
    return ", ".join(only) if only else "requests"


END_SECONDS = 0.5
"""How long the service may take to say that its faults have ended; it takes milliseconds."""


def raising(target: Target, *, method: str, path: str) -> dict[str, str]:
    """Return the header with which one request of one's own raises an exception in the target."""
    return _signed(target, contract.RaiseException(), method=method, path=path)


def _signed(target: Target, fault: contract.Fault, *, method: str, path: str) -> dict[str, str]:
    environment = target.instance.environment
    value = contract.encode(
        fault,
        secret=Path(environment["INSTRUMENT_FAULT_SECRET_FILE"]).read_bytes().strip(),
        instance=environment["INSTRUMENT_INSTANCE_ID"],
        method=method,
        path=path,
        expires=time.time() + contract.SIGNED_SECONDS,
    )
    return {contract.HEADER: value}


class FaultGoesOn(Exception):
    """The service did not say that its faults have ended."""


def end_in_flight(target: Target) -> None:
    """End what earlier requests still have going on in the target: delays, statements, memory.

    Raises:
        FaultGoesOn: the service did not confirm it; its leases end it all the same.
    """
    method, path = "GET", next(iter(target.journey)).partition(" ")[2]
    try:
        answer = requests.get(
            target.instance.url + path,
            headers=_signed(target, contract.End(), method=method, path=path),
            timeout=END_SECONDS,
        )
    except requests.RequestException as error:
        raise FaultGoesOn(f"{target.id} was not told to end its faults: {error}") from error
    result = answer.headers.get(contract.RESULT_HEADER, "nothing")
    if result != contract.End.kind:
        raise FaultGoesOn(
            f"{target.id} answered {answer.status_code} and said {result!r} of the end of its "
            "faults; is its secret the one that signed it?"
        )


@contextmanager
def carried(
    target: Target, fault: Mapping[str, object], share: float, only: Sequence[str] = ()
) -> Iterator[float]:
    """Let a share of the target's requests carry ``fault``; yield when that was asked for.

    ``only`` names the requests of which that share is taken; all by default.
    """
    begun = time.time()
    target.fault_on(fault, share, only)
    try:
        yield begun
    finally:
        try:
            target.fault_off()
        finally:  # whatever the load generator says
            if target.leased:
                end_in_flight(target)


def seen_by_clients(
    target: Target, *, after: float, bit: Callable[[LoadSample], bool], text: str
) -> Witness:
    """Wait until the clients of ``target`` saw the effect.

    Raises:
        FaultDidNotBite: naming what was expected, and what the clients saw instead.
    """
    sample = target.client.wait_for(bit, after=after, timeout_seconds=target.patience_seconds)
    if sample is None:
        seen = target.client.since(after)
        last = seen[-1] if seen else "no answer at all"
        raise FaultDidNotBite(
            f"expected clients of {target.id} to see {text} within "
            f"{target.patience_seconds:.0f} s; the last they saw: {last}"
        )
    return Witness(at=sample.faulted.first_at or sample.at, text=f"clients saw {text}")
