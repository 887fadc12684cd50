"""Watches the stop conditions while drills run, and stops all of them at the first that is passed.

One rule: whatever keeps it from looking stops the drills too; nobody breaks things unwatched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from scenarios.gameday.breaking import Breaking
from scenarios.gameday.looking import Looking
from scenarios.gameday.stop import Limits, Seen, seen_of, undeclared_beside, why_stop
from scenarios.model import WATCHDOG

BUTTON_SECONDS = 0.05
"""How often it looks whether somebody asked for the end."""

LOOK_SECONDS = 0.25
"""How often it looks at clients and alerts: as often as there is something new to see of them."""


class StopButton:
    """Where a person, or a signal, asks for the end. Thread-safe, and safe in a signal handler."""

    def __init__(self) -> None:
        self.reason = ""

    def press(self, reason: str) -> None:
        """Ask for the end; the first reason is kept."""
        self.reason = self.reason or reason


class Guard(Looking):
    """Looks at a campaign's drills until the context ends."""

    def __init__(
        self,
        campaign: Breaking,
        limits: Mapping[str, Limits],
        button: StopButton,
        *,
        budget_ratio: float,
        show: Callable[[tuple[Seen, ...]], None],
    ) -> None:
        """Watch ``campaign``; ``show`` is given each look, and ``limits`` are by drill."""
        super().__init__("gameday-guard", BUTTON_SECONDS)
        self._campaign = campaign
        self._limits = limits
        self._button = button
        self._budget_ratio = budget_ratio
        self._show = show
        self._looked_at = float("-inf")
        self.reason = ""

    def _look_around(self) -> None:
        if self._button.reason and not self.reason:
            self._stop(self._button.reason)
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        seen = self._look()
        if not self.reason and (reason := self._why(seen)):
            self._stop(reason)
        self._show(seen)

    def _blinded(self, why: str) -> None:
        self._stop(f"nobody watches any more: {why}")

    def _stop(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._campaign.stop(self.reason)

    def _look(self) -> tuple[Seen, ...]:
        campaign, written = self._campaign, self._campaign.drilled
        return tuple(
            seen_of(
                plan,
                (client := campaign.targets[name].client).since(0.0),
                written[name].snapshot(),
                now=client.now(),
                budget_ratio=self._budget_ratio,
            )
            for name, plan in campaign.plans.items()
        )

    def _why(self, seen: tuple[Seen, ...]) -> str:
        for one in seen:
            if reason := why_stop(one, self._limits[one.drill]):
                return reason
        plans = self._campaign.plans
        beside = {
            name: recorder.snapshot()
            for name, recorder in self._campaign.drilled.items()
            if name not in plans
        }
        allowed = {WATCHDOG}.union(*(plan.want.beside for plan in plans.values()))
        return undeclared_beside(beside, allowed)
