"""What became of one thing that setup looks at: its parts yield it, its command prints it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stack.logs.differences import Difference

__all__ = ["Outcome", "Step"]

Outcome = Literal["created", "changed", "unchanged", "kept", "absent", "overruled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of one thing.

    Attributes:
        what: the thing, for a person.
        outcome: created, changed, unchanged; kept: it differs and can't be changed, or refuses to
            be; absent: the cluster has no such thing; overruled: it is there, and another one wins.
        changes: every path that was, or under a dry run would be, changed; of what is kept, every
            path that stays different.
        note: what else a person should know, or nothing.
        failed: whether records that come now suffer from it.
    """

    what: str
    outcome: Outcome
    changes: tuple[Difference, ...] = field(default=())
    note: str = ""
    failed: bool = False
