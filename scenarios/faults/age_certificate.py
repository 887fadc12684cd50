"""The certificate that the service watches is near its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from scenarios.certificate import put_certificate
from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.target import Target

TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeCertificate:
    """Put a certificate in place that ends in ``left`` from now."""

    left: timedelta
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"the certificate ends in {self.left / timedelta(days=1):g} days"

    def effect(self, load: Load, service: Service) -> Effect:
        """The service looks at the file every so often."""
        return Effect(probed=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Exchange the certificate until the context ends; reading it back is the witness."""
        path = target.certificate
        if path is None:
            raise FaultDidNotBite(
                f"{target.id} watches no certificate; give its Service certificate=True"
            )
        kept = path.with_suffix(".kept")
        kept.write_bytes(path.read_bytes())
        put_certificate(path, self.left)
        try:
            ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
            if abs(ends - datetime.now(UTC) - self.left) > TOLERANCE:
                raise FaultDidNotBite(
                    f"expected {path} to end in {self.left}; it ends at {ends:%Y-%m-%d %H:%M} UTC"
                )
            yield Witness.now(f"read back from {path.name}: {self.text}")
        finally:
            kept.replace(path)
