"""Load goes to this machine, and elsewhere only when it is said to be one's own."""

from __future__ import annotations

import pytest

from loadtests.hosts import OWNED, refusal


@pytest.mark.parametrize(
    "host",
    ["http://127.0.0.1:8000", "http://127.9.9.9", "http://[::1]:8000/x", "https://localhost"],
)
def test_this_machine_may_be_loaded(host: str) -> None:
    assert refusal(host, owned=False) is None


@pytest.mark.parametrize("host", ["http://192.0.2.7", "https://[2001:db8::1]", "http://0.0.0.0:80"])
def test_another_machine_is_refused_and_the_way_to_load_it_is_said(host: str) -> None:
    why = refusal(host, owned=False)
    assert why is not None
    assert OWNED in why
    assert refusal(host, owned=True) is None


@pytest.mark.parametrize("host", ["shop.example", "ftp://127.0.0.1", "http://", "127.0.0.1:8000"])
def test_what_is_no_address_is_refused_whoever_owns_it(host: str) -> None:
    assert "expected an address" in str(refusal(host, owned=True))


def test_a_name_without_an_address_is_refused() -> None:
    assert "has no address" in str(refusal("http://no-such-name.invalid", owned=False))
