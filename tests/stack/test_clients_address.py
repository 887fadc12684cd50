"""An address is taken as every command takes it, and a refusal never repeats a password."""

from __future__ import annotations

import pytest

from stack.clients.address import AddressError, address, is_read_on_the_way


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
        ("https://metrics.example/prometheus/", "https://metrics.example/prometheus"),
        ("http://[::1]:9090/", "http://[::1]:9090"),
    ],
)
def test_an_address_loses_its_last_slash(text: str, taken: str) -> None:
    assert address(text) == taken


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1:9090", "is no address"),
        ("ftp://metrics.example", "is no address"),
        ("http://", "is no address"),
        ("http://metrics.example:99999", "is no address"),
        ("http://[::1", "is no address"),
        ("http://metrics.example/?q=1", "ends before"),
        ("http://me:s3cret@metrics.example", "tokens are files"),
        ("http://me:s3/cret@metrics.example", "tokens are files"),
    ],
)
def test_what_is_no_address_is_refused_without_its_secret(text: str, why: str) -> None:
    with pytest.raises(AddressError, match=why) as told:
        address(text)
    assert "cret" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "is_read"),
    [
        ("http://metrics.example", True),
        ("https://metrics.example", False),
        ("http://127.0.0.1:9090", False),
        ("http://localhost:9090", False),
        ("http://[::1]:9090", False),
    ],
)
def test_only_what_leaves_this_machine_unencrypted_is_read_on_the_way(
    url: str, is_read: bool
) -> None:
    assert is_read_on_the_way(url) is is_read
