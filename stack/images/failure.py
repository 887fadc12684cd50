"""What ends a command of this package: one line for a person, with the next command in it."""

from __future__ import annotations

__all__ = ["EngineAbsent", "ImagesFailure", "UnknownImage"]


class ImagesFailure(Exception):
    """It can't be done: what failed, what was seen, and what to do; one line."""


class EngineAbsent(ImagesFailure):
    """No container engine answers here, so that nothing at all can be done."""


class UnknownImage(ImagesFailure):
    """A name that no image of the stack has; the message lists those that there are."""
