"""What a trial is told in place of what its owner has set; production's compose file is not edited.

Design rule: pure. What a trial changes is here, and is: names, ports, secrets, less memory, and how
often health is asked, as an engine asks first when one interval is over. Images are the owner's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from stack.compose.settings import LEFT_OUT_VARIABLE, SECRETS_VARIABLE

__all__ = ["HEALTH_INTERVAL", "environment_of", "override", "settings_text"]

HEALTH_INTERVAL = "1s"
_IMAGE = "_IMAGE"
_SMALL = {
    "ELASTICSEARCH_HEAP": "512m",
    "SOFTFACTORY_PULL_POLICY": "never",  # the image that is there
}


def settings_text(ports: Mapping[str, int], secrets: Path, *, left_out: Iterable[str] = ()) -> str:
    """Return the file of settings: each service's port on this machine, where secrets are."""
    out = ",".join(sorted(left_out))
    settings = {SECRETS_VARIABLE: str(secrets), LEFT_OUT_VARIABLE: out, **_SMALL}
    settings |= {f"{service.upper()}_PORT": str(port) for service, port in ports.items()}
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def environment_of(environ: Mapping[str, str], variables: Iterable[str]) -> dict[str, str]:
    """Return the environment less all that compose prefers to the file of settings, but images."""
    settings = {name for name in variables if not name.endswith(_IMAGE)} | {SECRETS_VARIABLE}
    return {
        name: value
        for name, value in environ.items()
        if name not in settings and not name.startswith("COMPOSE_")
    }


def override(checked: Iterable[str]) -> str:
    """Return a compose file that has the health of these services asked often."""
    often = {"healthcheck": {"interval": HEALTH_INTERVAL}}
    return json.dumps({"services": dict.fromkeys(sorted(checked), often)}, indent=1)
