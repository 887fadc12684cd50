"""Whether an Alertmanager file of a team's own can be drilled: every secret must have a double.

One rule: asked before the run; a secret without a double would be a message that nobody receives.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stack.production import production_files
from stack.routing_secrets import named_secrets
from stack.yamlfile import ConfigurationError, read_yaml


def check_routing(file: Path) -> None:
    """Refuse a file that names a secret which no double is reached by.

    Raises:
        ConfigurationError: it is no YAML mapping, or names one; the known ones are listed.
    """
    known = set(_secrets(production_files().alertmanager))
    if foreign := sorted(set(_secrets(file)) - known):
        raise ConfigurationError(
            f"{file}: no double is reached by the secret {', '.join(foreign)}; a drill has "
            f"{', '.join(sorted(known))}"
        )


def _secrets(file: Path) -> Iterator[str]:
    document = read_yaml(file.read_text(encoding="utf-8"), str(file))
    return (one.file for one in named_secrets(document))
