"""What the SoftFactory service is told by its environment.

One rule: the environment is read here, once, and a wrong value is refused with its name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from instrumentation.settings import SettingsError

STRIPE_API_BASE = "https://api.stripe.com"
MOST_CONNECTIONS = 1000
DEFAULT_DATABASE_URL = "sqlite:///var/softfactory.sqlite3"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """The settings of the SoftFactory service.

    Attributes:
        database_url: where users, payments and bookings are kept (``DATABASE_URL``).
        stripe_api_key_file: file that holds the payment gateway's secret key
            (``STRIPE_API_KEY_FILE``); without one every payment fails.
        stripe_api_base: address of the payment gateway (``STRIPE_API_BASE``).
        payment_timeout_seconds: how long a payment waits for the gateway to connect, and then to
            answer (``PAYMENT_TIMEOUT_SECONDS``).
        database_probe_seconds: pace at which the database is probed (``DATABASE_PROBE_SECONDS``).
        database_probe_timeout_seconds: a probe that takes longer has failed
            (``DATABASE_PROBE_TIMEOUT_SECONDS``).
        backup_directory: where the ``backup`` command puts its copies (``BACKUP_DIR``).
        backup_status_file: where it records its last success (``BACKUP_STATUS_FILE``).
        business_refresh_seconds: pace at which rows are counted (``BUSINESS_REFRESH_SECONDS``).
        database_pool_size: connections that are kept open and never exceeded
            (``DATABASE_POOL_SIZE``); without it SQLite has no pool, PostgreSQL one of 10 to 20.
        maintenance_file: while this file exists the service is not ready (``MAINTENANCE_FILE``).
        account_tokens_file: whose lines ``USER_ID TOKEN`` admit to ``/api/account``
            (``ACCOUNT_TOKENS_FILE``); without one nobody is admitted.
    """

    database_url: str = DEFAULT_DATABASE_URL
    stripe_api_key_file: Path | None = None
    stripe_api_base: str = STRIPE_API_BASE
    payment_timeout_seconds: float = 10.0
    database_probe_seconds: float = 5.0
    database_probe_timeout_seconds: float = 3.0
    backup_directory: Path = Path("var/backups")
    backup_status_file: Path = Path("var/backups/last-backup.json")
    business_refresh_seconds: float = 15.0
    database_pool_size: int | None = None
    maintenance_file: Path | None = None
    account_tokens_file: Path | None = None

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> DemoSettings:
        """Read the settings; a variable that is unset or empty keeps its default.

        Raises:
            SettingsError: a value can't be used.
        """
        values = os.environ if environment is None else environment
        backup_directory = Path(values.get("BACKUP_DIR") or "var/backups")
        key_file = values.get("STRIPE_API_KEY_FILE")
        status_file = values.get("BACKUP_STATUS_FILE")
        return cls(
            database_url=values.get("DATABASE_URL") or DEFAULT_DATABASE_URL,
            stripe_api_key_file=Path(key_file) if key_file else None,
            stripe_api_base=_url(values, "STRIPE_API_BASE", STRIPE_API_BASE),
            payment_timeout_seconds=_seconds(values, "PAYMENT_TIMEOUT_SECONDS", 10.0),
            database_probe_seconds=_seconds(values, "DATABASE_PROBE_SECONDS", 5.0),
            database_probe_timeout_seconds=_seconds(values, "DATABASE_PROBE_TIMEOUT_SECONDS", 3.0),
            backup_directory=backup_directory,
            backup_status_file=(
                Path(status_file) if status_file else backup_directory / "last-backup.json"
            ),
            business_refresh_seconds=_seconds(values, "BUSINESS_REFRESH_SECONDS", 15.0),
            database_pool_size=_whole_or_none(values, "DATABASE_POOL_SIZE"),
            maintenance_file=_path_or_none(values, "MAINTENANCE_FILE"),
            account_tokens_file=_path_or_none(values, "ACCOUNT_TOKENS_FILE"),
        )


def read_api_key(path: Path) -> str:
    """Return the payment gateway's secret key.

    Raises:
        SettingsError: the file can't be read, or holds no key.
    """
    try:
        key = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise SettingsError(
            f"STRIPE_API_KEY_FILE={path}: can't read the payment gateway's key: {reason}"
        ) from error
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(
            f"STRIPE_API_KEY_FILE={path}: expected one line with the payment gateway's secret key"
        )
    return key


def _seconds(values: Mapping[str, str], name: str, default: float) -> float:
    text = values.get(name)
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise SettingsError(f"{name}={text!r}: expected a number of seconds above 0, like 5 or 0.5")
    return seconds


def _whole_or_none(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_CONNECTIONS):
        raise SettingsError(f"{name}={text!r}: expected a whole number, 1 to {MOST_CONNECTIONS}")
    return int(text)


def _path_or_none(values: Mapping[str, str], name: str) -> Path | None:
    text = values.get(name)
    return Path(text) if text else None


def _url(values: Mapping[str, str], name: str, default: str) -> str:
    text = values.get(name) or default
    if not text.startswith(("http://", "https://")):
        raise SettingsError(f"{name}={text!r}: expected an address that begins with http(s)://")
    return text.rstrip("/")
