"""What a person wants to know once the stack is up: where it is, who logs in, and what is not set.

Design rule: pure; a password is never part of it, only the file that holds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from stack.compose.places import shown
from stack.compose.project import Project

__all__ = ["addresses", "not_set"]

_NOBODY = "no log-in"
_PARTS = (
    ("Prometheus", "prometheus", "http://", _NOBODY, ""),
    ("Alertmanager", "alertmanager", "http://", _NOBODY, ""),
    ("Grafana", "grafana", "http://", "admin", "grafana_admin_password"),
    ("Elasticsearch", "elasticsearch", "http://", "elastic", "elastic_password"),
    ("Kibana", "kibana", "http://", "elastic", "elastic_password"),
    ("Logstash", "logstash", "", "JSON lines over TCP; no log-in", ""),
    ("SoftFactory", "softfactory", "http://", _NOBODY, ""),
)


def addresses(project: Project, secrets: Path) -> Iterator[str]:
    """Yield a line for each part that people reach, with the file of its password."""
    for title, service, scheme, user, password in _PARTS:
        port = project.port(service)
        if port is not None:
            file = f"  password in {shown(secrets / password)}" if password else ""
            yield f"  {title:<15}{f'{scheme}127.0.0.1:{port}':<24}{user}{file}"


def not_set(files: Sequence[Path]) -> Iterator[str]:
    """Yield what to do about the channels that only a person can fill in."""
    if files:
        yield "not set, so these notifications fail; put the secret into the file, then up again:"
        yield from (f"  {shown(file)}" for file in files)
