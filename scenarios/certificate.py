"""Certificates of an instance, signed by themselves and valid from now on for as long as asked.

One rule: a certificate takes its file's place in one step, as a renewal does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stack.replacing import replace_text

YEAR = timedelta(days=365)


def put_certificate(path: Path, valid_for: timedelta) -> None:
    """Put a certificate that ends in ``valid_for`` from now at ``path``, in PEM form."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "softfactory.example")])
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + valid_for)
        .sign(key, hashes.SHA256())
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, certificate.public_bytes(serialization.Encoding.PEM).decode())
