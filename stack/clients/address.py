"""Addresses as people give them: one reading, for every command that asks a server of theirs.

One rule: what is wrong with one is said without its option's name, which whoever read it puts
before; and nothing is repeated of an address that holds a secret.
"""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["AddressError", "address", "is_read_on_the_way"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class AddressError(ValueError):
    """A text is no address that may be asked: one line, to be put behind the option's name."""


def address(text: str) -> str:
    """Return the base URL of a server, without a trailing slash.

    Raises AddressError for what is no URL of http or https with a host, for one that holds a user
    or a password, as it would stand in every message, and for one with a query or a fragment.
    """
    if "@" in text:  # anywhere: a password with a slash in it is no user to who reads URLs
        raise AddressError("the address holds a user or a password; tokens are files")
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        has_host = False
    if not has_host or parts.scheme not in ("http", "https"):
        raise AddressError(f"{text!r} is no address; it should be like https://shop.example")
    if parts.query or parts.fragment:
        raise AddressError(f"{text!r} is more than an address: it ends before ? or #")
    return text.rstrip("/")


def is_read_on_the_way(url: str) -> bool:
    """Tell whether others could read what is sent to `url`: not encrypted, and not this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in _LOOPBACK
