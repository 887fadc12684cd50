"""A server that is asked: where it is, what it is shown, and whose certificates are believed.

Design rule: the three are one thing from the command line to the request, so that a token reaches
nobody but whom it is for, and nobody on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import requests
from urllib3.util.retry import Retry

from stack import trust
from stack.clients.address import AddressError, address, is_read_on_the_way
from stack.clients.http import new_session
from stack.settings import Given, SettingsError, read_secret

__all__ = ["Server", "read_address", "read_authority", "read_server", "read_watcher"]

CA_FILE = "--ca-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server.

    Attributes:
        url: its base, without a trailing slash.
        token: the bearer token that it asks for; "" for none.
        ca_file: a private authority, believed beside the usual ones; None for those alone.
    """

    url: str
    token: str = field(default="", repr=False)
    ca_file: Path | None = None

    @classmethod
    def at(cls, where: Server | str) -> Server:
        """Return a server as it is, or the one at a URL, which asks for no token."""
        return where if isinstance(where, Server) else cls(url=where.rstrip("/"))

    def session(self, retry: Retry | None = None) -> requests.Session:
        """Return a session for it and nobody else, which repeats what `retry` says.

        Raises OSError for an authority that can't be used.
        """
        return new_session(token=self.token, authority=self.ca_file, retry=retry)


def read_watcher(given: Given, name: str) -> Server | None:
    """Return the server of `--NAME-url` and `--NAME-token-file`; None where no URL was given.

    Raises SettingsError as `read_server`.
    """
    option = f"--{name}-url"
    if not (url := given(option)):
        return None
    return read_server(url, given, option=option, token_option=f"--{name}-token-file")


def read_server(url: str, given: Given, *, option: str, token_option: str) -> Server:
    """Return the server at `url`, given by `option`, with what `token_option` and `--ca-file` name.

    Raises SettingsError for what is no address, for a file that can't be used, and for a token that
    would travel unencrypted beyond this machine.
    """
    where = read_address(url, option)
    token_file = given(token_option)
    token = read_secret(token_option, token_file) if token_file else ""
    if token and is_read_on_the_way(where):
        raise SettingsError(f"{token_option}: the token would go to {where} unencrypted; use https")
    return Server(url=where, token=token, ca_file=read_authority(given))


def read_address(text: str, option: str) -> str:
    """Return a base URL without a trailing slash. Raises SettingsError for what is none."""
    try:
        return address(text)
    except AddressError as error:
        raise SettingsError(f"{option}: {error}") from error


def read_authority(given: Given) -> Path | None:
    """Return the private authority's file. Raises SettingsError for one that can't be used."""
    path = given(CA_FILE)
    return trust.read_authority(CA_FILE, path) if path else None
