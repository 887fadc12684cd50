"""Which images each service of the compose file needs, with those that it waits for.

Design rule: pure; the compose file is read and nothing is kept beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stack.yamlfile import read_yaml

__all__ = ["Part", "parts_of"]

_VARIABLE = re.compile(r"\$\{([A-Z]+)_IMAGE:-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A service: the names of the images without which it can't run, its port, whether it ends."""

    service: str
    images: frozenset[str]
    published: bool
    ends: bool


def parts_of(text: str, source: str) -> tuple[Part, ...]:
    """Return the services of a compose file, in its order. Raises ConfigurationError."""
    services = read_yaml(text, source)["services"]

    def images(name: str) -> frozenset[str]:
        service = services[name]
        found = _VARIABLE.match(service["image"])
        own = {found[1].lower()} if found else set()
        return frozenset(own).union(*(images(needed) for needed in service.get("depends_on", ())))

    return tuple(
        Part(
            service=name,
            images=images(name),
            published="ports" in service,
            ends=service["restart"] == "no",
        )
        for name, service in services.items()
    )
