"""How Kibana is reached: every setting is read once, and secrets are files.

Design rule: no other module of this package reads the environment; the settings are those of
Elasticsearch under Kibana's name, as the two may have different users.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from stack.logs.settings import SettingsError, account, refuse_secrets_in, secret
from stack.trust import read_authority

__all__ = ["DEFAULT_URL", "KibanaSettings"]

DEFAULT_URL = "http://127.0.0.1:5601"


@dataclass(frozen=True, slots=True, kw_only=True)
class KibanaSettings:
    """Where Kibana is, and who asks.

    Attributes:
        url: with a space's path where the objects are not for the default space: `/s/operations`.
        api_key: an API key, in the encoded form.
        basic_auth: a user's name and password, where there is no API key.
        ca_file: the authority that signed Kibana's certificate, if it is a private one.
        timeout_seconds: how long the import may take; a Kibana that has just started needs most.
    """

    url: str = DEFAULT_URL
    api_key: str | None = field(default=None, repr=False)
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 60.0

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read KIBANA_URL, _API_KEY_FILE, _USER, _PASSWORD_FILE, _CA_FILE.

        Raises SettingsError for a URL that is none or holds a password, for a file of a secret
        or an authority that can't be used, and for a user without password.
        """
        read = os.environ if environ is None else environ
        given = {key: value for key, value in read.items() if value}
        ca_file = given.get("KIBANA_CA_FILE")
        return cls(
            url=_url(given.get("KIBANA_URL", DEFAULT_URL)),
            api_key=secret(given, "KIBANA_API_KEY"),
            basic_auth=account(given, "KIBANA"),
            ca_file=read_authority("KIBANA_CA_FILE", ca_file) if ca_file else None,
        )


def _url(text: str) -> str:
    refuse_secrets_in(text, "KIBANA")
    try:
        parts = urlsplit(text)
    except ValueError as error:  # brackets that hold no address
        raise SettingsError(f"KIBANA_URL {text!r} is no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"KIBANA_URL {text!r} is no URL; it should be like {DEFAULT_URL}")
    return text.rstrip("/")
