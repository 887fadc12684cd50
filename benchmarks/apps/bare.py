"""The application as it is, with nothing that observes it."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from benchmarks.apps.driving import requests_to, routes
from benchmarks.worker import Run


def make(_folder: Path) -> Run:
    """Return what makes n requests."""
    return requests_to(routes(Flask("shop", static_folder=None)))
