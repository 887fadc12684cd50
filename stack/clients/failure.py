"""Why nobody answered, in a few words, and whether that speaks of who was asked or of who asks.

One rule: pure. A certificate that this machine can't check says nothing of a service's health; one
that has expired says much.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests

ASKS_WHO = frozenset({requests.codes.unauthorized, requests.codes.forbidden})
"""The statuses of somebody who asks who is asking: they say nothing of how it is."""

_OF_THE_SERVER = frozenset({10, 62, 64})
"""X509_V_ERR_CERT_HAS_EXPIRED, _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH (openssl/x509_vfy.h)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no answer.

    `conclusive` says that whoever was asked is to blame, as far as can be known from here.
    """

    why: str
    conclusive: bool
    look: str = ""


def failure_of(error: BaseException, timeout_seconds: float) -> Failure:
    """Return what an exception of `requests`, or one that was raised from it, means."""
    chain = tuple(_causes(error))
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            said = one.verify_message or str(one)
            return Failure(
                why=f"its certificate can't be trusted: {said}",
                conclusive=one.verify_code in _OF_THE_SERVER,
                look="" if one.verify_code in _OF_THE_SERVER else "--ca-file names the authority",
            )
        if isinstance(one, ssl.SSLError):
            return Failure(why=f"TLS failed: {one.reason or one}", conclusive=True)
    for one in chain:
        if isinstance(one, requests.Timeout | TimeoutError):
            return Failure(why=f"no answer within {timeout_seconds:.3g} s", conclusive=True)
        if isinstance(one, ConnectionRefusedError):
            return Failure(why="connection refused", conclusive=True)
        if isinstance(one, ConnectionError | requests.exceptions.ChunkedEncodingError):
            return Failure(why="the connection was cut off", conclusive=True)
        if isinstance(one, requests.HTTPError) and one.response is not None:
            return _status(one.response.status_code)
    for one in reversed(chain):
        if isinstance(one, OSError) and one.strerror:
            return Failure(why=one.strerror, conclusive=True)
    return Failure(why=" ".join(str(error).split()), conclusive=True)


def _status(code: int) -> Failure:
    if code in ASKS_WHO:
        return Failure(
            why=f"it answers {code}: it asks who is asking",
            conclusive=False,
            look="a file gives its token: --prometheus-token-file, or as it is called",
        )
    return Failure(why=f"it answers {code}", conclusive=True)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and all that it was raised from, or holds as urllib3's hold theirs."""
    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        one = pending.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        pending += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
