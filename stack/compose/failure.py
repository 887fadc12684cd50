"""What ends a command of this package: one line for a person, with the next command in it."""

__all__ = ["StackFailure"]


class StackFailure(Exception):
    """It can't be done: what failed, what was seen, and what to do; one line."""
