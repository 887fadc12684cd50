import base64
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instrumentation.faults.contract import (
    KINDS,
    BurnCPU,
    Delay,
    Error,
    FaultRejected,
    HoldMemory,
    RaiseException,
    _signature,
    decode,
    encode,
    fault_from_json,
    fault_to_json,
)

SECRET = b"0123456789abcdef"
NOW = 1_000_000.0

seconds = st.floats(min_value=0.001, max_value=1.0)
faults = st.one_of(
    st.builds(Delay, seconds=seconds),
    st.builds(Error, status=st.integers(500, 599)),
    st.builds(RaiseException),
    st.builds(HoldMemory, percent=st.floats(min_value=1, max_value=98), seconds=seconds),
    st.builds(BurnCPU, seconds=seconds),
)


def read(header, *, secret=SECRET, method="GET", path="/api/users", now=NOW):
    return decode(header, secret=secret, method=method, path=path, now=now)


def write(fault, *, expires=NOW + 10):
    return encode(fault, secret=SECRET, method="GET", path="/api/users", expires=expires)


def signed(document):
    """A header that the secret signed, whatever is in it."""
    payload = base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=")
    return f"{payload.decode()}.{_signature(payload, SECRET)}"


@given(faults)
def test_what_is_written_is_read(fault):
    assert read(write(fault)) == fault
    assert fault_from_json(json.loads(json.dumps(fault_to_json(fault)))) == fault


def test_the_json_form_is_the_documented_one():
    assert fault_to_json(Delay(seconds=1.5)) == {"fault": "delay", "seconds": 1.5}
    assert fault_to_json(RaiseException()) == {"fault": "exception"}
    assert set(KINDS) == {"delay", "error", "exception", "memory", "cpu"}


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("signature", {"secret": b"another secret, as long"}),
        ("method", {"method": "POST"}),
        ("path", {"path": "/api/payments"}),
        ("expired", {"now": NOW + 10}),
        ("expires_too_late", {"now": NOW - 20.5}),
    ],
)
def test_a_header_holds_for_one_kind_of_request_and_a_short_time(reason, changed):
    header = write(Delay(seconds=1.0))
    with pytest.raises(FaultRejected) as rejected:
        read(header, **changed)
    assert rejected.value.reason == reason


@given(st.text(max_size=80))
def test_no_header_that_was_not_signed_is_accepted_or_breaks_the_reader(text):
    with pytest.raises(FaultRejected):
        read(text)


@pytest.mark.parametrize(
    ("reason", "document"),
    [
        ("malformed", ["delay"]),
        ("method", {"fault": "delay", "seconds": 1, "expires": NOW + 1, "path": "/api/users"}),
        ("malformed", {"fault": "delay", "seconds": 1, "method": "GET", "path": "/api/users"}),
    ],
)
def test_a_signed_document_must_say_what_it_is_bound_to(reason, document):
    with pytest.raises(FaultRejected) as rejected:
        read(signed(document))
    assert rejected.value.reason == reason


@pytest.mark.parametrize(
    ("reason", "document"),
    [
        ("unknown_fault", {}),
        ("unknown_fault", {"fault": "reboot"}),
        ("unknown_fault", {"fault": ["delay"]}),
        ("malformed", {"fault": "delay"}),
        ("malformed", {"fault": "delay", "seconds": "1"}),
        ("malformed", {"fault": "delay", "seconds": True}),
        ("malformed", {"fault": "delay", "seconds": float("nan")}),
        ("malformed", {"fault": "delay", "seconds": 1, "for": 2}),
        ("out_of_range", {"fault": "delay", "seconds": 30.1}),
        ("out_of_range", {"fault": "delay", "seconds": 0}),
        ("out_of_range", {"fault": "error", "status": 404}),
        ("out_of_range", {"fault": "error", "status": 500.5}),
        ("out_of_range", {"fault": "memory", "percent": 99, "seconds": 1}),
        ("out_of_range", {"fault": "cpu", "seconds": 1.1}),
    ],
)
def test_a_fault_outside_the_contract_is_rejected_with_its_reason(reason, document):
    with pytest.raises(FaultRejected) as rejected:
        fault_from_json(document)
    assert rejected.value.reason == reason


def test_the_contract_imports_neither_flask_nor_the_metrics_client():
    program = (
        "import sys, instrumentation.faults.contract\n"
        "print([m for m in ('flask', 'prometheus_client', 'psutil') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
