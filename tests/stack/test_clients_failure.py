"""Why nobody answered is said in a few words, and who is to blame."""

from __future__ import annotations

import ssl

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from stack.clients.failure import failure_of

POOL = None


def untrusted(code: int, message: str) -> requests.exceptions.SSLError:
    inner = ssl.SSLCertVerificationError(1, message)
    inner.verify_code, inner.verify_message = code, message
    return requests.exceptions.SSLError(inner)


def raised(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def answered(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(response=response)


@pytest.mark.parametrize(
    ("error", "why", "conclusive"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused", True),
        (requests.ReadTimeout(), "no answer within 3 s", True),
        (requests.ConnectTimeout(), "no answer within 3 s", True),
        (raised(RuntimeError("wrapped"), requests.ReadTimeout()), "no answer within 3 s", True),
        (ConnectionResetError(104, "reset"), "the connection was cut off", True),
        (answered(401), "it answers 401: it asks who is asking", False),
        (answered(500), "it answers 500", True),
        (untrusted(20, "unable to get local issuer certificate"), "can't be trusted", False),
        (untrusted(10, "certificate has expired"), "certificate has expired", True),
        (untrusted(62, "Hostname mismatch"), "Hostname mismatch", True),
    ],
)
def test_a_failure_says_why_and_whose_it_is(
    error: BaseException, why: str, conclusive: bool
) -> None:
    found = failure_of(error, 3.0)
    assert why in found.why
    assert found.conclusive is conclusive


def test_what_urllib3_holds_is_found_in_it() -> None:
    inner = NewConnectionError(POOL, "refused")  # type: ignore[arg-type]  # no pool is needed
    inner.__cause__ = ConnectionRefusedError(111, "Connection refused")
    outer = MaxRetryError(POOL, "/", inner)  # type: ignore[arg-type]  # no pool is needed
    assert failure_of(requests.ConnectionError(outer), 1.0).why == "connection refused"
