"""A private authority is believed beside the usual ones."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from stack.settings import SettingsError
from stack.trust import read_authority, trusting


def test_both_are_believed(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    alone = ssl.create_default_context(cafile=tmp_path / "ca.pem").get_ca_certs()
    both = trusting(tmp_path / "ca.pem").get_ca_certs()
    assert len(alone) == 1
    assert len(both) > 50
    assert alone[0] in both


@pytest.mark.parametrize("content", [None, "", "no certificate\n"])
def test_a_file_without_a_certificate_is_an_error_that_says_why(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(OSError) as told:  # noqa: PT011 (of which kind depends on the file)
        trusting(path)
    assert told.value.strerror
    with pytest.raises(SettingsError, match=f"^--ca-file: can't use {path}: ") as refused:
        read_authority("--ca-file", str(path))
    assert "\n" not in str(refused.value)


def test_an_authority_is_read_from_where_its_setting_says(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    assert read_authority("KIBANA_CA_FILE", str(path)) == path
