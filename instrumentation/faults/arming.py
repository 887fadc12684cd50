"""Whether this service accepts faults, decided once at its start: a secret, and not production.

A service that production refuses starts all the same; who armed it there by hand reads so in the
log of every start.
"""

import logging
import secrets
import socket
from typing import NamedTuple

from instrumentation.settings import InstrumentSettings

_LOGGER = logging.getLogger(__name__)


class Arming(NamedTuple):
    """The decision: `secret` is None when faults are off, `refused` why they are in spite of one.

    `instance` is what signed faults must be bound to.
    """

    secret: bytes | None
    refused: str | None
    instance: str


def decide_arming(settings: InstrumentSettings) -> Arming:
    """Return whether to accept faults, and log a warning wherever production meets a secret.

    Without INSTRUMENT_INSTANCE_ID each process makes an id of its own: of several workers each
    would then take only the faults that were signed for it. Raises SettingsError.
    """
    instance = settings.instance_id or f"{socket.gethostname()}-{secrets.token_hex(4)}"
    if settings.fault_secret_file is None or not settings.in_production:
        return Arming(secret=settings.fault_secret(), refused=None, instance=instance)
    environment = f"INSTRUMENT_ENVIRONMENT={settings.environment}"
    if not settings.faults_in_production:
        refused = (
            f"INSTRUMENT_FAULT_SECRET_FILE is set, but {environment} means production: faults stay "
            "off; unset the file, or set INSTRUMENT_FAULTS_IN_PRODUCTION=yes to arm them here"
        )
        _LOGGER.warning("%s", refused)
        return Arming(secret=None, refused=refused, instance=instance)
    secret = settings.fault_secret()
    _LOGGER.warning(
        "fault injection is ARMED in production (%s, INSTRUMENT_FAULTS_IN_PRODUCTION=yes): whoever "
        "holds the secret of %s can break instance %s; unset either to disarm it",
        *(environment, settings.fault_secret_file, instance),
    )
    return Arming(secret=secret, refused=None, instance=instance)
