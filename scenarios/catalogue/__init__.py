"""The catalogue of scenarios: one file each, found by being here."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from scenarios.model import Drill


def drills() -> tuple[Drill, ...]:
    """Return every scenario of the catalogue, in order of its id.

    Raises:
        TypeError: a file of the catalogue defines no ``DRILL``.
        ValueError: two scenarios have the same id.
    """
    found: dict[str, Drill] = {}
    for module in iter_modules(__path__):
        drill = getattr(import_module(f"{__name__}.{module.name}"), "DRILL", None)
        if not isinstance(drill, Drill):
            raise TypeError(f"scenarios/catalogue/{module.name}.py defines no DRILL")
        if drill.id in found:
            raise ValueError(f"two scenarios are named {drill.id}; give one another cause")
        found[drill.id] = drill
    return tuple(found[name] for name in sorted(found))
