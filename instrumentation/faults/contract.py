"""The wire contract of request faults: what a signed header may ask for, and nothing else.

Standard library only: load generators import this without the service's dependencies.

    X-Fault: <base64url(json) without padding>.<hex hmac-sha256 of that text>

The JSON object holds the fault's kind and parameters, and what the signature binds it to: the
service instance, the request's method and path, and the epoch second at which it expires.

There is no nonce: workers of one instance share no memory in which to keep the ones they saw, so
that a nonce would promise more than it held. What a captured header can do is therefore this:
repeat its one fault, within the limits below, on its one method and path at its one instance,
until it expires, MAX_VALIDITY_SECONDS after it was signed at the latest; nothing anywhere else.

Two words are no faults, and are signed like one: `End` ends what goes on, and `Renew` keeps going
what was given a lease, which ends by itself when nobody renews it any more.
"""

import base64
import binascii
import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, TypeAlias

HEADER = "X-Fault"
RESULT_HEADER = "X-Fault-Result"
"""Response header that says what became of a request's fault: its kind, or `rejected: why`.

Only a header that the secret signed is answered; to one that it did not, the service looks as if
it accepted no faults at all.
"""

MAX_VALIDITY_SECONDS = 10.0
"""A header that claims to be valid for longer is refused, so that a leaked one is soon useless.
Load generators sign each request anew, for half of it: clocks may differ by the other half."""

SIGNED_SECONDS = MAX_VALIDITY_SECONDS / 2
"""For how long whoever follows this contract signs. That all sign for as long puts headers in the
order in which they were signed, by which `End` tells those before it from those after."""

MAX_HEADER_LENGTH = 2048
"""In characters. A longer header is refused before any work is done for it."""

MAX_FAULT_SECONDS = 30.0
"""The longest delay, of a request or of its statements, and the longest lease on memory."""


class FaultRejected(ValueError):
    """The header is not acceptable. `reason` is one of REASONS, a bounded set fit for a label."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


UNSIGNED = ("too_long", "signature")
"""Reasons that anybody can bring about; every other one needs a header that the secret signed."""

REASONS = (
    *UNSIGNED,
    *("malformed", "instance", "method", "path", "expired", "expires_too_late"),
    *("unknown_fault", "out_of_range", "refused", "no_database", "ended"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Answer `seconds` late, at most 30; with a `lease`, no longer than it is renewed."""

    kind: ClassVar[str] = "delay"
    seconds: float
    lease: float | None = None

    def __post_init__(self) -> None:
        _require("seconds", self.seconds, above=0.0, at_most=MAX_FAULT_SECONDS)
        _require_lease(self.lease)


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Answer with the HTTP status `status`, 500 to 599, instead of the view's answer."""

    kind: ClassVar[str] = "error"
    status: int = 500

    def __post_init__(self) -> None:
        _require("status", self.status, above=499, at_most=599)
        if self.status != int(self.status):
            raise FaultRejected("out_of_range", f"status: expected an integer, got {self.status!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseException:
    """Raise an exception that no view expects."""

    kind: ClassVar[str] = "exception"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldMemory:
    """Hold memory until the service reads `percent` of its limit (at most 98), for `seconds`.

    All requests share one holding; each renews its lease, and at the lease's end all of it is
    released in one step. `seconds` is at most 30.
    """

    kind: ClassVar[str] = "memory"
    percent: float
    seconds: float

    def __post_init__(self) -> None:
        _require("percent", self.percent, above=0.0, at_most=98.0)
        _require("seconds", self.seconds, above=0.0, at_most=MAX_FAULT_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnCPU:
    """Burn `seconds` of the request thread's CPU time, at most 1."""

    kind: ClassVar[str] = "cpu"
    seconds: float

    def __post_init__(self) -> None:
        _require("seconds", self.seconds, above=0.0, at_most=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowQuery:
    """Have the request's first database statement take `seconds` longer, at most 30.

    It holds its connection meanwhile. Needs an engine that the service watches. With a `lease`, it
    takes no longer than that is renewed.
    """

    kind: ClassVar[str] = "query"
    seconds: float
    lease: float | None = None

    def __post_init__(self) -> None:
        _require("seconds", self.seconds, above=0.0, at_most=MAX_FAULT_SECONDS)
        _require_lease(self.lease)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """Let the instance's leased faults go on for `seconds`, at most 30; the request is unharmed.

    A header that asks for a leased fault renews as well.
    """

    kind: ClassVar[str] = "renew"
    seconds: float

    def __post_init__(self) -> None:
        _require("seconds", self.seconds, above=0.0, at_most=MAX_FAULT_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """End all faults of the instance, those in flight and what is held, in all its workers.

    It ends what was asked for by headers that expire no later than its own, so that one of them
    that is still on its way does nothing. The answer is 204, whatever the path.
    """

    kind: ClassVar[str] = "end"


Fault: TypeAlias = Delay | Error | RaiseException | HoldMemory | BurnCPU | SlowQuery | Renew | End

KINDS: Mapping[str, type[Fault]] = {
    kind.kind: kind
    for kind in (Delay, Error, RaiseException, HoldMemory, BurnCPU, SlowQuery, Renew, End)
}


def fault_to_json(fault: Fault) -> dict[str, str | float]:
    """Return the fault as a JSON object: `{"fault": "delay", "seconds": 1.5}`."""
    given = {name: value for name, value in asdict(fault).items() if value is not None}
    return {"fault": fault.kind, **given}


def leased(fault: Fault, seconds: float) -> Fault:
    """Return the fault with a lease of `seconds`, where it is of a kind that waits."""
    return replace(fault, lease=seconds) if isinstance(fault, Delay | SlowQuery) else fault


def fault_from_json(value: Mapping[str, object]) -> Fault:
    """Return the fault that `fault_to_json` gave. Raises FaultRejected for anything else."""
    name = value.get("fault")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise FaultRejected("unknown_fault", f"fault {name!r}: known are {', '.join(KINDS)}")
    known = {field.name for field in fields(kind)}
    given = {key: _number(key, item) for key, item in value.items() if key != "fault"}
    if unknown := sorted(given.keys() - known):
        raise FaultRejected("malformed", f"fault {name!r} has no parameter {', '.join(unknown)}")
    try:
        return kind(**given)
    except TypeError as error:
        raise FaultRejected("malformed", f"fault {name!r}: {error}") from error


def encode(
    fault: Fault, *, secret: bytes, instance: str, method: str, path: str, expires: float
) -> str:
    """Return the header value that asks for `fault` in one kind of request until `expires`.

    `instance` is the service's `INSTRUMENT_INSTANCE_ID`, which its summary tells; `path` is the
    request's path as the application sees it, percent-decoded and without a query; `expires` is
    in epoch seconds, and the service refuses more than MAX_VALIDITY_SECONDS ahead. Raises
    ValueError where the header would be too long to be accepted.
    """
    bound = {"expires": expires, "instance": instance, "method": method, "path": path}
    document = {**fault_to_json(fault), **bound}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    payload = base64.urlsafe_b64encode(text.encode()).rstrip(b"=")
    header = f"{payload.decode()}.{_signature(payload, secret)}"
    if len(header) > MAX_HEADER_LENGTH:
        raise ValueError(
            f"the header for {method} {path[:40]}... would have {len(header)} characters, at most "
            f"{MAX_HEADER_LENGTH} are accepted: take a shorter path or instance id"
        )
    return header


def decode(
    header: str, *, secret: bytes, instance: str, method: str, path: str, now: float
) -> Fault:
    """Return the fault that `header` asks for in this request; `now` is in epoch seconds.

    Raises FaultRejected, and nothing else, whatever the header holds.
    """
    bound = {"instance": instance, "method": method, "path": path}
    return decode_until(header, secret=secret, now=now, **bound)[0]


def decode_until(
    header: str, *, secret: bytes, instance: str, method: str, path: str, now: float
) -> tuple[Fault, float]:
    """Return what `decode` does, and the epoch second at which the header expires.

    Its length is checked first, then its signature, in constant time; nothing of an unsigned
    header is parsed. Raises FaultRejected, and nothing else, whatever the header holds.
    """
    if len(header) > MAX_HEADER_LENGTH:
        raise FaultRejected("too_long", f"more than {MAX_HEADER_LENGTH} characters")
    encoded, _, signature = header.partition(".")
    if not header.isascii():
        raise FaultRejected("signature", "no signature has such characters")
    payload = encoded.encode()
    if not hmac.compare_digest(_signature(payload, secret), signature):
        raise FaultRejected("signature", "the signature is not by this service's secret")
    document = _parse(payload)
    for name, bound in (("instance", instance), ("method", method), ("path", path)):
        if document.pop(name, None) != bound:
            raise FaultRejected(name, f"signed for another {name} than {bound}")
    expires = _number("expires", document.pop("expires", None))
    if expires <= now:
        raise FaultRejected("expired", f"expired {now - expires:.1f} s ago")
    if expires > now + MAX_VALIDITY_SECONDS:
        raise FaultRejected(
            "expires_too_late",
            f"valid for {expires - now:.1f} s, at most {MAX_VALIDITY_SECONDS:.0f} s are accepted",
        )
    return fault_from_json(document), expires


def _signature(payload: bytes, secret: bytes) -> str:
    return hmac.new(secret, payload, hashlib.sha256).hexdigest()


def _parse(payload: bytes) -> dict[str, object]:
    try:
        text = base64.b64decode(payload + b"=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        document = json.loads(text)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise FaultRejected("malformed", f"not base64url JSON: {error}") from error
    if not isinstance(document, dict):
        raise FaultRejected("malformed", "expected a JSON object")
    return document


def _number(name: str, value: object) -> Any:
    """Return a JSON number as it is; the dataclasses say which of them must be whole."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise FaultRejected("malformed", f"{name}: expected a number, got {value!r}")
    return value


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _require_lease(seconds: float | None) -> None:
    if seconds is not None:
        _require("lease", seconds, above=0.0, at_most=MAX_FAULT_SECONDS)


def _require(name: str, value: float, *, above: float, at_most: float) -> None:
    if not (_finite(value) and above < value <= at_most):
        raise FaultRejected(
            "out_of_range",
            f"{name}: expected a number above {above:g} and at most {at_most:g}, got {value!r}",
        )
