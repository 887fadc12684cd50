"""Which files of secrets an Alertmanager file names, and where in it.

Design rule: pure; every key that ends in `_file` names a secret, but those of certificates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["TLS_FILES", "NamedSecret", "named_secrets"]

TLS_FILES = frozenset({"ca_file", "cert_file", "key_file"})
"""The keys of `tls_config`, which name certificates and their keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSecret:
    """One secret: the name of its file, the key that gives it, and the section that holds that.

    `section` is the nearest of `global` and the integrations, such as `slack_configs`; "" for none.
    """

    section: str
    key: str
    file: str


def named_secrets(document: object, section: str = "") -> Iterator[NamedSecret]:
    """Yield each secret that a parsed file names, however deep, in its order."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            name = str(key)
            if name.endswith("_file") and name not in TLS_FILES and isinstance(value, str):
                yield NamedSecret(section=section, key=name, file=Path(value).name)
            else:
                inside = name == "global" or name.endswith("_configs")
                yield from named_secrets(value, name if inside else section)
    elif isinstance(document, list):
        for one in document:
            yield from named_secrets(one, section)
