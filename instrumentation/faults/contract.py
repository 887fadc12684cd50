"""The wire contract of request faults: what a signed header may ask for, and nothing else.

Standard library only: load generators import this without the service's dependencies.

    X-Fault: <base64url(json) without padding>.<hex hmac-sha256 of that text>

The JSON object holds the fault's kind and parameters, and what the signature binds it to: the
request's method and path, and the epoch second at which the header stops being valid.
"""

import base64
import binascii
import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeAlias

HEADER = "X-Fault"
RESULT_HEADER = "X-Fault-Result"
"""Response header that says what became of the request's fault: its kind, or `rejected: why`."""

MAX_VALIDITY_SECONDS = 30.0
"""A header that claims to be valid for longer is refused, so that a leaked one is soon useless."""


class FaultRejected(ValueError):
    """The header is not acceptable. `reason` is one of REASONS, a bounded set fit for a label."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


REASONS = (
    *("malformed", "signature", "method", "path"),
    *("expired", "expires_too_late", "unknown_fault", "out_of_range", "refused"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Answer `seconds` late, at most 30."""

    kind: ClassVar[str] = "delay"
    seconds: float

    def __post_init__(self) -> None:
        _require("seconds", self.seconds, above=0.0, at_most=30.0)


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
        _require("seconds", self.seconds, above=0.0, at_most=30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnCPU:
    """Burn `seconds` of the request thread's CPU time, at most 1."""

    kind: ClassVar[str] = "cpu"
    seconds: float

    def __post_init__(self) -> None:
        _require("seconds", self.seconds, above=0.0, at_most=1.0)


Fault: TypeAlias = Delay | Error | RaiseException | HoldMemory | BurnCPU

KINDS: Mapping[str, type[Fault]] = {
    kind.kind: kind for kind in (Delay, Error, RaiseException, HoldMemory, BurnCPU)
}


def fault_to_json(fault: Fault) -> dict[str, str | float]:
    """Return the fault as a JSON object: `{"fault": "delay", "seconds": 1.5}`."""
    return {"fault": fault.kind, **asdict(fault)}


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


def encode(fault: Fault, *, secret: bytes, method: str, path: str, expires: float) -> str:
    """Return the header value that asks for `fault` in one kind of request until `expires`.

    `path` is the request's path without a query; `expires` is in epoch seconds, and the service
    refuses more than MAX_VALIDITY_SECONDS ahead.
    """
    document = {**fault_to_json(fault), "expires": expires, "method": method, "path": path}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    payload = base64.urlsafe_b64encode(text.encode()).rstrip(b"=")
    return f"{payload.decode()}.{_signature(payload, secret)}"


def decode(header: str, *, secret: bytes, method: str, path: str, now: float) -> Fault:
    """Return the fault that `header` asks for in this request; `now` is in epoch seconds.

    The signature is checked before anything else is looked at. Raises FaultRejected.
    """
    encoded, separator, signature = header.partition(".")
    if not (separator and header.isascii()):
        raise FaultRejected("malformed", "expected <base64url>.<hex>")
    payload = encoded.encode()
    if not hmac.compare_digest(_signature(payload, secret), signature):
        raise FaultRejected("signature", "the signature is not by this service's secret")
    document = _parse(payload)
    expires = _number("expires", document.pop("expires", None))
    if document.pop("method", None) != method:
        raise FaultRejected("method", f"signed for another method than {method}")
    if document.pop("path", None) != path:
        raise FaultRejected("path", f"signed for another path than {path}")
    if expires <= now:
        raise FaultRejected("expired", f"expired {now - expires:.1f} s ago")
    if expires > now + MAX_VALIDITY_SECONDS:
        raise FaultRejected(
            "expires_too_late",
            f"valid for {expires - now:.1f} s, at most {MAX_VALIDITY_SECONDS:.0f} s are accepted",
        )
    return fault_from_json(document)


def _signature(payload: bytes, secret: bytes) -> str:
    return hmac.new(secret, payload, hashlib.sha256).hexdigest()


def _parse(payload: bytes) -> dict[str, object]:
    try:
        text = base64.b64decode(payload + b"=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        document = json.loads(text)
    except (binascii.Error, ValueError) as error:
        raise FaultRejected("malformed", f"not base64url JSON: {error}") from error
    if not isinstance(document, dict):
        raise FaultRejected("malformed", "expected a JSON object")
    return document


def _number(name: str, value: object) -> Any:
    """Return a JSON number as it is; the dataclasses say which of them must be whole."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FaultRejected("malformed", f"{name}: expected a number, got {value!r}")
    return value


def _require(name: str, value: float, *, above: float, at_most: float) -> None:
    if not (math.isfinite(value) and above < value <= at_most):
        raise FaultRejected(
            "out_of_range",
            f"{name}: expected a number above {above:g} and at most {at_most:g}, got {value!r}",
        )
