"""A private authority is believed beside the usual ones."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

from scenarios.deployment.trust import bundle


def test_both_are_in_the_bundle(tmp_path: Path) -> None:
    private = trustme.CA()
    private.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    path = bundle(tmp_path / "ca.pem", tmp_path)
    assert path
    both = ssl.create_default_context(cafile=str(path))
    alone = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    assert len(alone.get_ca_certs()) == 1
    assert len(both.get_ca_certs()) > 50
    assert alone.get_ca_certs()[0] in both.get_ca_certs()


def test_without_a_private_one_the_usual_ones_are_believed_as_they_are(tmp_path: Path) -> None:
    assert bundle(None, tmp_path) is None
