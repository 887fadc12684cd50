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

from stack.logs.settings import SettingsError, account, refuse_secrets_in, secret
from stack.trust import read_authority, trusting

__all__ = ["DEFAULT_URL", "Connection", "SettingsError"]

DEFAULT_URL = "http://127.0.0.1:9200"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where Elasticsearch is, and who asks.

    Attributes:
        urls: one or several nodes of one cluster.
        api_key: an API key, in the encoded form.
        basic_auth: a user's name and password, where there is no API key.
        ca_file: the authority that signed the nodes' certificates, if it is a private one; it is
            believed beside the usual ones.
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

        Raises SettingsError for a URL that holds a password, for a file of a secret or an authority
        that can't be used, and for a user without password.
        """
        read = os.environ if environ is None else environ
        given = {key: value for key, value in read.items() if value}
        urls = given.get("ELASTICSEARCH_URL", DEFAULT_URL)
        refuse_secrets_in(urls, "ELASTICSEARCH")
        ca_file = given.get("ELASTICSEARCH_CA_FILE")
        return cls(
            urls=tuple(urls.split(",")),
            api_key=secret(given, "ELASTICSEARCH_API_KEY"),
            basic_auth=account(given, "ELASTICSEARCH"),
            ca_file=read_authority("ELASTICSEARCH_CA_FILE", ca_file) if ca_file else None,
        )

    def client(self, *, passes_over: bool = False) -> Elasticsearch:
        """Return a client; nothing is asked yet.

        By itself it repeats nothing, as for who counts and times each try, like the shipper. One
        that `passes_over` asks each of several nodes once, until one answers: for who may ask the
        same twice.

        Raises SettingsError for a URL or an authority's file that can't be used.
        """
        try:
            tls = {"ssl_context": trusting(self.ca_file)} if self.ca_file else {}
        except OSError as error:
            why = f"can't use {self.ca_file}: {error.strerror}"
            raise SettingsError(f"ELASTICSEARCH_CA_FILE: {why}") from error
        try:
            return Elasticsearch(
                list(self.urls),
                api_key=self.api_key,
                basic_auth=self.basic_auth,
                request_timeout=self.timeout_seconds,
                max_retries=len(self.urls) - 1 if passes_over else 0,
                retry_on_timeout=passes_over,  # as of a machine that is off, or cut off
                **tls,  # type: ignore[arg-type]  # it is a context
            )
        except (ValueError, OSError) as error:
            raise SettingsError(f"ELASTICSEARCH_URL {','.join(self.urls)}: {error}") from error
