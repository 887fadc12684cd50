"""Faults, scenarios and the drill engine: history in, verdict out."""
