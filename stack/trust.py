"""Whose certificates are believed: the usual authorities, and the private one that was named.

Design rule: a private authority is added, as what stands behind it is seldom all that is asked.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from requests.certs import where  # type: ignore[attr-defined]  # its stubs leave it out

from stack.settings import SettingsError

__all__ = ["read_authority", "trusting"]


def trusting(authority: Path) -> ssl.SSLContext:
    """Return what believes the authorities that `requests` knows, and those of a PEM file.

    Raises OSError for a file that can't be read or holds no certificate; `strerror` says why.
    """
    context = ssl.create_default_context(cafile=where())
    context.load_verify_locations(cafile=authority)
    return context


def read_authority(setting: str, path: str) -> Path:
    """Return the private authority that a setting names.

    Raises SettingsError for a file that can't be used.
    """
    authority = Path(path)
    try:
        trusting(authority)
    except OSError as error:
        raise SettingsError(
            f"{setting}: can't use {path}: {error.strerror}; it should be certificates, as PEM"
        ) from error
    return authority
