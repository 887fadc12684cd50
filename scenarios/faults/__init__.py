"""Faults, one a file, each a context manager that carries its own repair."""
