"""What a figure ought to reach; missing it is told and never hidden, and only `--strict` fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure beside its limit: at most `limit`, or at least it where `at_least` is set.

    `observed` is None where it could not be measured, which is a miss: nothing was shown.
    """

    what: str
    observed: float | None
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure reaches its limit."""
        if self.observed is None:
            return False
        if self.at_least:
            return self.observed >= self.limit
        return self.observed <= self.limit

    def line(self) -> str:
        """Return one line for a person."""
        sign = ">=" if self.at_least else "<="
        verdict = "PASS" if self.met else "MISS"
        observed = "not measured" if self.observed is None else f"{self.observed:.3g}"
        return f"{verdict}  {self.what}: {observed}, target {sign} {self.limit:.3g}"


def all_met(targets: Sequence[Target]) -> bool:
    """Tell whether no target is missed."""
    return all(target.met for target in targets)


def as_evidence(targets: Sequence[Target]) -> list[dict[str, object]]:
    """Return what the JSON file keeps of them."""
    return [{**asdict(target), "met": target.met} for target in targets]
