"""Whose certificates are believed: the usual authorities, and the private one that was named.

One rule: a private authority is added, as what stands behind it is seldom all that is asked.
"""

from __future__ import annotations

from pathlib import Path

from requests.certs import where  # type: ignore[attr-defined]  # its stubs leave it out


def bundle(ca_file: Path | None, directory: Path) -> Path | None:
    """Write a file in `directory` with the authorities that `requests` knows and that of `ca_file`.

    Return it, or None where there is no private authority. Raises OSError.
    """
    if ca_file is None:
        return None
    path = directory / "authorities.pem"
    usual = Path(where()).read_text(encoding="utf-8")
    path.write_text(f"{usual}\n{ca_file.read_text(encoding='utf-8')}", encoding="utf-8")
    return path
