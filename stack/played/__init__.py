"""Series that make a rule fire, found in its expression and served by a small exporter."""

from stack.played.inversion import plays_of
from stack.played.labels import CannotPlay
from stack.played.movement import Move, moves_of
from stack.played.series import Series

__all__ = ["CannotPlay", "Move", "Series", "moves_of", "plays_of"]
