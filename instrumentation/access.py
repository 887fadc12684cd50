"""Who may read the metrics endpoints: an address that is allowed, and a token that is known.

The address is the peer's own (`REMOTE_ADDR`); a header that any client can write opens nothing.
"""

import hmac
import ipaddress
from enum import Enum
from typing import NamedTuple

from instrumentation.settings import InstrumentSettings, Network


class Refusal(Enum):
    """Why a caller is refused; the value is the HTTP status."""

    TOKEN = 401
    NETWORK = 403


class Access(NamedTuple):
    """The rules of one application; both hold where both are set, and none is set by default."""

    token: bytes | None = None
    allow: tuple[Network, ...] = ()

    def __repr__(self) -> str:
        return f"Access(token={'***' if self.token else None}, allow={self.allow})"

    @classmethod
    def from_settings(cls, settings: InstrumentSettings) -> "Access":
        """Read the token's file. Raises SettingsError."""
        return cls(token=settings.metrics_token(), allow=settings.metrics_allow)

    def refusal(self, *, remote_address: str, authorization: str) -> Refusal | None:
        """Return why this caller may not read, or None; the network is judged first."""
        if self.allow and not self._is_allowed(remote_address):
            return Refusal.NETWORK
        if self.token is not None and not self._is_known(authorization):
            return Refusal.TOKEN
        return None

    def _is_allowed(self, remote_address: str) -> bool:
        try:
            address = ipaddress.ip_address(remote_address)
        except ValueError:  # a Unix socket has no address, so that no network holds it
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped  # a socket for both families tells IPv4 peers like this
        return any(address in network for network in self.allow)

    def _is_known(self, authorization: str) -> bool:
        assert self.token is not None
        scheme, _, credentials = authorization.strip().partition(" ")
        if scheme.lower() != "bearer":
            return False
        given = credentials.strip().encode("latin-1", errors="replace")  # as WSGI decoded it
        return hmac.compare_digest(given, self.token)
