"""The environment is read here, once, when an application factory asks; nothing else reads it.

A field `log_file` is set by the variable `INSTRUMENT_LOG_FILE`, and so for every field; the
texts beside them are what the documentation's table is made from.
"""

import ipaddress
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

DEFAULT_LATENCY_BUCKETS_MS: tuple[float, ...] = (
    *(5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 750.0),
    *(1000.0, 1500.0, 2500.0, 5000.0, 10000.0),
)
"""Upper edges in milliseconds; one lies exactly at the latency objective of one second."""

DEFAULT_SIZE_BUCKETS_BYTES: tuple[float, ...] = (1024.0, 16384.0, 262144.0, 4194304.0)

DEFAULT_LOG_FILE = Path("logs/app.log")

PRODUCTION = frozenset({"production", "prod", "live"})
"""What an environment is called in which nobody wants faults."""

_LABELS_IN_USE = frozenset({"le", "quantile"})

TARGET_LABELS = frozenset({"job", "service", "instance"})
"""Set by discovery, so that what names a target does not depend on the target."""

_LONGEST_SECONDS = 86400.0
_MOST_DAYS = 36500

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(ValueError):
    """A setting has a value that cannot be meant; the text names it and says what is accepted."""


def _text(_name: str, text: str) -> str:
    return text


def _path(_name: str, text: str) -> Path:
    return Path(text)


def _positive(name: str, text: str) -> float:
    value = _number(text)
    if not value > 0:
        raise SettingsError(f"{name}={text!r}: expected a number above zero")
    return value


def _seconds(name: str, text: str) -> float:
    value = _number(text)
    if not 0 < value <= _LONGEST_SECONDS:
        raise SettingsError(f"{name}={text!r}: expected seconds above 0, at most a day")
    return value


def _seconds_or_none(name: str, text: str) -> float:
    return 0.0 if _number(text) == 0 else _seconds(name, text)


def _days(name: str, text: str) -> int:
    value = _whole(name, text)
    if value > _MOST_DAYS:
        raise SettingsError(f"{name}={text!r}: expected at most {_MOST_DAYS} days")
    return value


def _whole(name: str, text: str) -> int:
    value = _number(text)
    if not (value > 0 and value.is_integer()):
        raise SettingsError(f"{name}={text!r}: expected a whole number above zero")
    return int(value)


def _yes(name: str, text: str) -> bool:
    match text.lower():
        case "1" | "true" | "yes" | "on":
            return True
        case "0" | "false" | "no" | "off":
            return False
    raise SettingsError(f"{name}={text!r}: expected yes or no")


def _edges(name: str, text: str) -> tuple[float, ...]:
    edges = tuple(_positive(name, part.strip()) for part in text.split(","))
    if list(edges) != sorted(set(edges)):
        raise SettingsError(f"{name}={text!r}: expected increasing upper edges, like 10,100,1000")
    return edges


def _words(_name: str, text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))


def _certificates(name: str, text: str) -> tuple[Path, ...]:
    paths = tuple(Path(word) for word in _words(name, text))
    if len({path.stem for path in paths}) < len(paths):
        raise SettingsError(
            f"{name}={text!r}: two files have the same name without its suffix, by which their "
            "certificates are told apart: rename one, or link to it by another name"
        )
    return paths


def _labels(name: str, text: str) -> dict[str, str]:
    labels = dict(_pair(name, part, "region=eu,zone=a") for part in text.split(","))
    check_labels(f"{name}={text!r}", labels)
    return labels


def check_labels(what: str, labels: Mapping[str, str]) -> None:
    """Raise SettingsError unless these can stand on every series."""
    for name, value in labels.items():
        if not re.fullmatch(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", name) or name in _LABELS_IN_USE:
            raise SettingsError(f"{what}: {name!r} is no name for a label on every series")
        if name in TARGET_LABELS:
            raise SettingsError(f"{what}: {name!r} is given by the target's discovery, not here")
        if not isinstance(value, str):
            raise SettingsError(f"{what}: the value of {name!r} is no text: {value!r}")


def _shares(name: str, text: str) -> dict[str, float]:
    example = "/api/items=0.1,/api/items/<int:number>=0.01"
    shares = {}
    for part in text.split(","):
        route, share = _pair(name, part, example)
        value = _number(share)
        if not 0 <= value <= 1:
            raise SettingsError(f"{name}={text!r}: {share!r} is no share from 0 to 1; as {example}")
        shares[route] = value
    return shares


def _networks(name: str, text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word) for word in _words(name, text))
    except ValueError as error:
        raise SettingsError(f"{name}={text!r}: {error}; expected like 10.0.0.0/8,::1") from error


def _address(name: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise SettingsError(f"{name}={text!r}: expected HOST:PORT, like 127.0.0.1:9100")
    return host.strip("[]"), int(port)


def _pair(name: str, part: str, example: str) -> tuple[str, str]:
    key, separator, value = part.strip().rpartition("=")
    if not (separator and key):
        raise SettingsError(f"{name}: {part!r} is not of the form {example}")
    return key, value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _setting(default: Any, parse: Callable[[str, str], Any], says: str) -> Any:
    return field(default=default, metadata={"parse": parse, "says": says})


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentSettings:
    """How one application is observed. Sizes are in bytes, durations in seconds."""

    service_name: str | None = _setting(None, _text, "name in logs; else the application's")
    service_version: str | None = _setting(None, _text, "version in logs and build_info")
    service_revision: str | None = _setting(None, _text, "source revision in build_info")
    environment: str | None = _setting(
        None, _text, "`production`, `prod` or `live` refuses faults; stands in logs"
    )
    instance_id: str | None = _setting(
        None, _text, "name that signed faults are bound to; else made at start"
    )
    constant_labels: Mapping[str, str] | None = _setting(
        None, _labels, "labels on every series, like `region=eu,zone=a`"
    )
    memory_limit_bytes: int | None = _setting(
        None, _whole, "what memory percent is measured against, if smaller than the real limit"
    )
    cpu_limit_cores: float | None = _setting(
        None, _positive, "what CPU use is measured against, if smaller than the real limit"
    )
    sample_seconds: float = _setting(5.0, _seconds, "how often memory and CPU are sampled")
    latency_buckets_ms: tuple[float, ...] = _setting(
        DEFAULT_LATENCY_BUCKETS_MS, _edges, "histogram edges; the rules need one at 1000"
    )
    size_buckets_bytes: tuple[float, ...] = _setting(
        DEFAULT_SIZE_BUCKETS_BYTES, _edges, "histogram edges of response sizes"
    )
    metrics_bind: tuple[str, int] | None = _setting(
        None, _address, "HOST:PORT on which the metrics endpoints are served as well, by threads "
        "of their own"
    )  # fmt: skip
    metrics_token_file: Path | None = _setting(
        None, _path, "holds the bearer token that the metrics endpoints ask for"
    )
    metrics_allow: tuple[Network, ...] = _setting(
        (), _networks, "networks that may read the metrics endpoints; none named means all"
    )
    drain_seconds: float = _setting(
        2.0, _seconds_or_none, "how long `ready` says 503 before the server stops accepting"
    )
    log_file: Path | None = _setting(None, _path, "where the log goes; else `logs/app.log`")
    log_retention_days: int = _setting(30, _days, "rotated files that are kept, one a day (UTC)")
    log_record_max_bytes: int = _setting(
        32 * 1024, _whole, "a longer record is cut, and marked as cut"
    )
    log_queue_max_bytes: int = _setting(
        8 * 1024 * 1024, _whole, "records that may wait for a slow disk; more are lost and counted"
    )
    log_sample: Mapping[str, float] | None = _setting(
        None, _shares, "share of a route's successful requests that is logged: `/api/items=0.1`"
    )
    log_redact: tuple[str, ...] = _setting(
        (), _words, "names of fields whose values are hidden, besides the usual ones"
    )
    user_id_key_file: Path | None = _setting(
        None,
        _path,
        "holds the key with which user ids are hashed; without it they stay as they are",
    )
    certificate_files: tuple[Path, ...] = _setting(
        (), _certificates, "PEM files whose certificates' ends are told: `tls/shop.pem,tls/ca.pem`"
    )
    fault_secret_file: Path | None = _setting(
        None, _path, "holds the key that signs faults; without it faults are off"
    )
    faults_in_production: bool = _setting(
        False, _yes, "arm faults although the environment says production"
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "InstrumentSettings":
        """Read the `INSTRUMENT_*` variables of `environ` (default: the process environment).

        A variable that is unset or empty takes its default. Raises SettingsError for a value
        that cannot be meant; a variable that no setting has is left alone.
        """
        source = os.environ if environ is None else environ
        values = {}
        for one in fields(cls):
            name = variable(one)
            if text := source.get(name):
                values[one.name] = one.metadata["parse"](name, text)
        return cls(**values)

    @property
    def environment_label(self) -> str:
        """The environment as a label's value: in lower case, `unknown` where it has no name."""
        return (self.environment or "").strip().lower() or "unknown"

    @property
    def in_production(self) -> bool:
        """Whether the environment is called what production is called."""
        return self.environment_label in PRODUCTION

    def fault_secret(self) -> bytes | None:
        """Return the key that signs faults, or None when faults are off.

        Raises SettingsError when the named file cannot be read or holds less than 16 bytes: a
        service that was told to accept faults must not start without knowing whose.
        """
        return self._secret("fault_secret_file", "leave fault injection off")

    def metrics_token(self) -> bytes | None:
        """Return the bearer token of the metrics endpoints, or None. Raises SettingsError."""
        return self._secret("metrics_token_file", "ask for no token")

    def user_id_key(self) -> bytes | None:
        """Return the key with which user ids are hashed, or None. Raises SettingsError."""
        return self._secret("user_id_key_file", "log user ids as they are")

    def read_secrets(self) -> None:
        """Read every secret that is configured, for whoever must know early that all are there.

        Raises SettingsError. What is refused in production is not read.
        """
        self.metrics_token()
        self.user_id_key()
        if not self.in_production or self.faults_in_production:
            self.fault_secret()

    def _secret(self, setting: str, without: str) -> bytes | None:
        path: Path | None = getattr(self, setting)
        if path is None:
            return None
        shown = f"INSTRUMENT_{setting.upper()}={path}"
        try:
            secret = path.read_bytes().strip()
        except OSError as error:
            raise SettingsError(
                f"{shown}: {error.strerror}; name a readable file, or unset it to {without}"
            ) from error
        if len(secret) < 16:
            raise SettingsError(
                f"{shown}: expected a secret of at least 16 bytes, found {len(secret)}"
            )
        return secret


def variable(setting: "Field[Any]") -> str:
    """Return the environment variable of a field of InstrumentSettings."""
    return f"INSTRUMENT_{setting.name.upper()}"
