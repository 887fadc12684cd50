"""Who reads which secret: one volume a reader, with the user that its container runs as.

Design rule: a reader gets what it reads and nothing else, in the form that it reads it in. The
users are the images' own, and stand in the compose file too; a test compares them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["DEMO", "MONITORING", "WATCHERS", "Owner", "Shared", "kibana_settings", "pgpass"]

Secrets = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A user and group by number, as a volume knows no names."""

    user: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A volume, whose it is, and which secrets are put into it.

    Attributes:
        volume: its name in the compose file, and of its directory below /volumes.
        owner: who may read it; for a volume of data, who may write.
        secrets: names of secrets that become files of the same names.
        made: files that are made of several secrets, by their names.
        mode: of the volume's own directory.
    """

    volume: str
    owner: Owner
    secrets: tuple[str, ...] = ()
    made: Mapping[str, Callable[[Secrets], str]] = field(default_factory=dict)
    mode: int = 0o750

    @property
    def holds_data(self) -> bool:
        """Whether it is the container's own: it gets its owner and nothing else."""
        return not self.secrets and not self.made


def kibana_settings(secrets: Secrets) -> str:
    """Return the settings of Kibana that are secret. JSON's strings are YAML's too."""
    settings = {
        "elasticsearch.username": "kibana_system",
        "elasticsearch.password": secrets["kibana_system_password"],
        "xpack.security.encryptionKey": secrets["kibana_security_key"],
        "xpack.encryptedSavedObjects.encryptionKey": secrets["kibana_saved_objects_key"],
        "xpack.reporting.encryptionKey": secrets["kibana_reporting_key"],
    }
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())


def pgpass(secrets: Secrets) -> str:
    """Return PostgreSQL's password file (libpq, "The Password File")."""
    password = secrets["postgres_password"].replace("\\", r"\\").replace(":", r"\:")
    return f"postgres:5432:softfactory:softfactory:{password}\n"


WATCHERS = Owner(user=65534, group=65534)
"""Prometheus and Alertmanager, whose volumes of configuration `prepare` fills itself."""

_GRAFANA = Owner(user=472, group=0)
_ELASTIC = Owner(user=1000, group=0)
_TOOLKIT = Owner(user=10001, group=10001)
_POSTGRES = Owner(user=999, group=999)

MONITORING = (
    Shared(volume="prometheus-data", owner=WATCHERS),
    Shared(volume="alertmanager-data", owner=WATCHERS),
    Shared(
        volume="grafana-secrets",
        owner=_GRAFANA,
        secrets=("grafana_admin_password", "grafana_secret_key", "log_reader_password"),
    ),
    Shared(volume="grafana-data", owner=_GRAFANA),
    Shared(volume="elasticsearch-secrets", owner=_ELASTIC, secrets=("elastic_password",)),
    Shared(volume="elasticsearch-data", owner=_ELASTIC),
    Shared(volume="kibana-secrets", owner=_ELASTIC, made={"kibana.yml": kibana_settings}),
    Shared(volume="kibana-data", owner=_ELASTIC),
    Shared(volume="logstash-secrets", owner=_ELASTIC, secrets=("logstash_password",)),
    Shared(volume="logstash-data", owner=_ELASTIC),
    Shared(
        volume="setup-secrets",
        owner=_TOOLKIT,
        secrets=(
            "elastic_password",
            "kibana_system_password",
            "logstash_password",
            "log_shipper_password",
            "log_reader_password",
        ),
    ),
)

DEMO = (
    Shared(
        volume="postgres-secrets",
        owner=_POSTGRES,
        secrets=("postgres_password",),
        made={"pgpass": pgpass},
    ),
    Shared(volume="postgres-data", owner=_POSTGRES),
    # The service reads the record of the last backup; the dumps are of mode 0600.
    Shared(volume="backups", owner=_POSTGRES, mode=0o755),
    Shared(volume="gateway-secrets", owner=_TOOLKIT, secrets=("stripe_api_key",)),
    Shared(
        volume="softfactory-secrets",
        owner=_TOOLKIT,
        secrets=("stripe_api_key",),
        made={"pgpass": pgpass},
    ),
    Shared(volume="softfactory-logs", owner=_TOOLKIT),
    Shared(volume="shipper-secrets", owner=_TOOLKIT, secrets=("log_shipper_password",)),
    Shared(volume="shipper-state", owner=_TOOLKIT),
)
