"""What the compose file comes to: its services, which need which, and where they are published.

Design rule: compose's own answer is typed at this border; no other module reads its JSON.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from stack.compose.failure import StackFailure

__all__ = ["Project", "Service", "read_project", "without"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: those that it waits for, and its ports on this machine by those in it.

    `image` is its reference; `built` tells whether it is made from this clone, and `ends` whether
    it does its work once.
    """

    name: str
    image: str
    built: bool
    ends: bool
    needs: frozenset[str]
    published: dict[int, int]
    demo: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The services that were asked for, by their names."""

    services: dict[str, Service]

    def port(self, name: str) -> int | None:
        """Return where a service is reached on this machine; None where it is not there."""
        service = self.services.get(name)
        return next(iter(service.published.values()), None) if service else None

    def ends(self, name: str) -> bool:
        """Tell whether a service does its work once; one that is not known here does not."""
        service = self.services.get(name)
        return service is not None and service.ends

    @property
    def pulled(self) -> dict[str, str]:
        """The images that come from a registry, by the services that run them."""
        built = {one.image for one in self.services.values() if one.built}
        return {
            name: one.image
            for name, one in self.services.items()
            if one.image and one.image not in built
        }

    def of(self, names: Collection[str]) -> Project:
        """Return the part that these services are."""
        return Project(services={key: one for key, one in self.services.items() if key in names})


def read_project(raw: Any) -> Project:
    """Type the answer of `docker compose config --format json`. Raises StackFailure."""
    try:
        return Project(
            services={
                name: Service(
                    name=name,
                    image=str(one.get("image", "")),
                    built="build" in one,
                    ends=one.get("restart", "no") == "no",
                    needs=frozenset(one.get("depends_on") or ()),
                    published={
                        int(port["target"]): int(port["published"])
                        for port in one.get("ports") or ()
                    },
                    demo="demo" in (one.get("profiles") or ()),
                )
                for name, one in raw["services"].items()
            }
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StackFailure(
            f"docker compose config says something unknown ({error!r}); look: "
            "nox -s stack -- config"
        ) from error


def without(project: Project, names: Iterable[str]) -> Project:
    """Return what is left when some services, and all that need them, are left out.

    Raises StackFailure for a name that is none, and when nothing would be left.
    """
    out = set(names)
    if unknown := sorted(out - project.services.keys()):
        raise StackFailure(
            f"--without {unknown[0]}: there is no such service; there are: "
            f"{', '.join(sorted(project.services))}"
        )
    while more := {
        name for name, one in project.services.items() if name not in out and one.needs & out
    }:
        out |= more
    if not (left := project.services.keys() - out):
        raise StackFailure(f"--without {' '.join(sorted(names))} leaves nothing to start")
    return project.of(left)
