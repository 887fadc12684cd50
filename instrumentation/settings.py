"""The environment is read here, once, when an application factory asks; nothing else reads it."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_LATENCY_BUCKETS_MS: tuple[float, ...] = (
    *(5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 750.0),
    *(1000.0, 1500.0, 2500.0, 5000.0, 10000.0),
)
"""Upper edges in milliseconds; one lies exactly at the latency objective of one second."""

DEFAULT_LOG_FILE = Path("logs/app.log")


class SettingsError(ValueError):
    """A setting has a value that cannot be meant; the text names it and says what is accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentSettings:
    """How one application is observed. Sizes are in bytes, durations in seconds."""

    fault_secret_file: Path | None = None
    """Holds the key that signs fault headers; None leaves fault injection off."""
    memory_limit_bytes: int | None = None
    cpu_limit_cores: float | None = None
    sample_seconds: float = 5.0
    """Pace of the background sampler of memory and CPU."""
    latency_buckets_ms: tuple[float, ...] = DEFAULT_LATENCY_BUCKETS_MS
    log_file: Path | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "InstrumentSettings":
        """Read the `INSTRUMENT_*` variables of `environ` (default: the process environment).

        A variable that is unset or empty takes its default. Raises SettingsError.
        """
        source = os.environ if environ is None else environ
        memory = source.get("INSTRUMENT_MEMORY_LIMIT_BYTES") or None
        cores = source.get("INSTRUMENT_CPU_LIMIT_CORES") or None
        secret_file = source.get("INSTRUMENT_FAULT_SECRET_FILE") or None
        log_file = source.get("INSTRUMENT_LOG_FILE") or None
        buckets = source.get("INSTRUMENT_LATENCY_BUCKETS_MS") or None
        return cls(
            fault_secret_file=Path(secret_file) if secret_file else None,
            memory_limit_bytes=(
                int(_positive("INSTRUMENT_MEMORY_LIMIT_BYTES", memory)) if memory else None
            ),
            cpu_limit_cores=_positive("INSTRUMENT_CPU_LIMIT_CORES", cores) if cores else None,
            sample_seconds=_positive(
                "INSTRUMENT_SAMPLE_SECONDS", source.get("INSTRUMENT_SAMPLE_SECONDS") or "5"
            ),
            latency_buckets_ms=_buckets(buckets) if buckets else DEFAULT_LATENCY_BUCKETS_MS,
            log_file=Path(log_file) if log_file else None,
        )

    def fault_secret(self) -> bytes | None:
        """Return the signing key without surrounding white space, or None when faults are off.

        Raises SettingsError when the named file cannot be read or holds less than 16 bytes: a
        service that was told to accept faults must not start without knowing whose.
        """
        if self.fault_secret_file is None:
            return None
        try:
            secret = self.fault_secret_file.read_bytes().strip()
        except OSError as error:
            raise SettingsError(
                f"INSTRUMENT_FAULT_SECRET_FILE={self.fault_secret_file}: {error.strerror}; "
                "name a readable file, or unset it to leave fault injection off"
            ) from error
        if len(secret) < 16:
            raise SettingsError(
                f"INSTRUMENT_FAULT_SECRET_FILE={self.fault_secret_file}: expected a secret of at "
                f"least 16 bytes, found {len(secret)}"
            )
        return secret


def _positive(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise SettingsError(f"{name}={text!r}: expected a number above zero")
    return value


def _buckets(text: str) -> tuple[float, ...]:
    name = "INSTRUMENT_LATENCY_BUCKETS_MS"
    edges = tuple(_positive(name, part.strip()) for part in text.split(","))
    if list(edges) != sorted(set(edges)):
        raise SettingsError(f"{name}={text!r}: expected increasing upper edges in milliseconds")
    return edges
