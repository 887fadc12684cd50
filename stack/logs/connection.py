"""How Elasticsearch is reached: every setting is read once, and secrets are files.

Design rule: no other module of this package reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from elasticsearch import Elasticsearch

__all__ = ["DEFAULT_URL", "Connection", "SettingsError"]

DEFAULT_URL = "http://127.0.0.1:9200"


class SettingsError(ValueError):
    """A setting can't be used: which, and what it should be; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where Elasticsearch is, and who asks.

    Attributes:
        urls: one or several nodes of one cluster.
        api_key: an API key, in the encoded form.
        basic_auth: a user's name and password, where there is no API key.
        ca_file: the authority that signed the nodes' certificates, if it is a private one.
        timeout_seconds: how long one request may take.
    """

    urls: tuple[str, ...] = (DEFAULT_URL,)
    api_key: str | None = field(default=None, repr=False)
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 10.0

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read ELASTICSEARCH_URL (comma-separated), _API_KEY_FILE, _USER, _PASSWORD_FILE, _CA_FILE.

        Raises SettingsError for a secret file that can't be read and for a user without password.
        """
        given = {key: value for key, value in (environ or os.environ).items() if value}
        user, password = given.get("ELASTICSEARCH_USER"), _secret(given, "ELASTICSEARCH_PASSWORD")
        if (user is None) != (password is None):
            raise SettingsError("ELASTICSEARCH_USER and ELASTICSEARCH_PASSWORD_FILE go together")
        ca_file = given.get("ELASTICSEARCH_CA_FILE")
        return cls(
            urls=tuple(given.get("ELASTICSEARCH_URL", DEFAULT_URL).split(",")),
            api_key=_secret(given, "ELASTICSEARCH_API_KEY"),
            basic_auth=(user, password) if user and password else None,
            ca_file=Path(ca_file) if ca_file else None,
        )

    def client(self) -> Elasticsearch:
        """Return a client that repeats nothing by itself; nothing is asked yet.

        Raises SettingsError for a URL or an authority's file that can't be used.
        """
        tls = {"ca_certs": str(self.ca_file)} if self.ca_file else {}
        try:
            return Elasticsearch(
                list(self.urls),
                api_key=self.api_key,
                basic_auth=self.basic_auth,
                request_timeout=self.timeout_seconds,
                max_retries=0,
                retry_on_timeout=False,
                **tls,  # type: ignore[arg-type]  # ca_certs is a path
            )
        except (ValueError, OSError) as error:
            raise SettingsError(f"ELASTICSEARCH_URL {','.join(self.urls)}: {error}") from error


def _secret(given: Mapping[str, str], name: str) -> str | None:
    path = given.get(f"{name}_FILE")
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}_FILE: can't read {path}: {error.strerror}") from error
